//! A record with a type parameter.

use leptos_sync_core::{Clock, Crdt, Doc, LwwRegister, ReplicaId};

#[derive(Crdt, Clone, Default)]
struct Page<T> {
    title: LwwRegister<T>,
    #[crdt(rename = "edit")]
    edits: LwwRegister<u32>,
}

#[test]
fn a_record_may_have_type_parameters() {
    let mut doc = Doc::<Page<String>>::new(Clock::system(ReplicaId::new(1)));
    doc.transact(|tx| {
        tx.title().set("a title".to_owned());
        tx.edits().set(1);
    })
    .unwrap();
    assert_eq!(doc.state().title.get(), "a title");
    assert_eq!(doc.state().edits.get(), &1);
}
