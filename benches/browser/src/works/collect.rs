//! Measures inserting records into a collection: all in one transaction, or each in its own, one
//! after the other. The collection is already open, and has one additional index.

use leptos_sync_benches::entries;
use leptos_sync_web::{
    Crdt, LwwRegister,
    core::{
        Clock, Collection, ReplicaId,
        index::{Index, Query, Schema},
    },
    storage::IndexedDbStorage,
};

use super::{Asked, Side, Work};
use crate::scratch::{Failure, now};

#[derive(Crdt, Clone, Default)]
struct Text {
    text: LwwRegister<String>,
}

type Texts = Collection<IndexedDbStorage, String, Text>;

pub(super) fn work(size: usize) -> Work {
    Work {
        name: "insert into a collection in one batch",
        size,
        sides: vec![
            Side {
                name: "ours",
                sample: |asked| Box::pin(one_batch(asked)),
                bar: None,
            },
            Side {
                name: "a transaction a record",
                sample: |asked| Box::pin(one_by_one(asked)),
                bar: Some(4.0),
            },
        ],
    }
}

async fn texts(asked: &Asked) -> Result<Texts, Failure> {
    let storage = IndexedDbStorage::open(&asked.name).await?;
    let by_text = Index::new("text", |text: &Text| text.text.get().clone());
    let schema = Schema::new(1).index(&by_text);
    let clock = Clock::system(ReplicaId::random()?);
    Ok(Collection::open(storage, "texts", schema, clock).await?)
}

async fn one_batch(asked: Asked) -> Result<f64, Failure> {
    let texts = texts(&asked).await?;
    let entries = entries(asked.size);
    let start = now();
    let write = |text: &mut leptos_sync_web::core::Tx<'_, Text>, value: &String| {
        text.text().set(value.clone());
    };
    texts.insert_batch(entries, write).await?;
    let taken = now() - start;
    checked(&texts, asked.size, taken).await
}

async fn one_by_one(asked: Asked) -> Result<f64, Failure> {
    let texts = texts(&asked).await?;
    let entries = entries(asked.size);
    let start = now();
    for (key, value) in entries {
        texts
            .insert(&key, |text| text.text().set(value.clone()))
            .await?;
    }
    let taken = now() - start;
    checked(&texts, asked.size, taken).await
}

async fn checked(texts: &Texts, size: usize, taken: f64) -> Result<f64, Failure> {
    match texts.query(Query::all()).await?.records.len() == size {
        true => Ok(taken),
        false => Err("the collection has not what was put into it".into()),
    }
}
