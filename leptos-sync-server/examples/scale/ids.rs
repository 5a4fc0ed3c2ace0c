//! Documents of the same cells that few and many replica ids wrote.

use std::{fs, path::Path, time::Duration};

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path as CellPath},
    clock::{SystemTime, TimeSource as _},
    history::{Entry, EntryHash, EntryId, IdHead, Patch},
    internal::{encode, encode_key},
};
use leptos_sync_server::{DurableLog as _, SqliteLog};

use crate::{
    Bar, Failure,
    handle::Handle,
    peer::{DOCUMENT, Peer},
    program::{Program, command},
};

/// The number of ids of the document with few.
const FEW: u32 = 10;

/// The number of cells of each document.
const CELLS: u32 = 100_000;

/// The number of entries in a push to the log.
const BATCH: usize = 1_000;

/// The number of remote updates that are measured.
const UPDATES: u32 = 1_000;

/// The maximum time for which an entry lies before the measurement, in milliseconds.
const AGE_MS: u64 = 24 * 60 * 60 * 1000;

/// The figures of one document.
struct Figures {
    file: u64,
    opening: usize,
    update: Duration,
}

/// Compares a document of [`FEW`] ids with one of `many`.
pub(crate) async fn measure(relay: &Path, many: u32) -> Result<Vec<Bar>, Failure> {
    let many = many.max(FEW + 1);
    let (few, all) = (figures(relay, FEW).await?, figures(relay, many).await?);
    let bar = |what: &str, figure: f64, most: f64, unit| Bar {
        what: what.to_owned(),
        figure,
        most,
        unit,
    };
    let each = all.file.saturating_sub(few.file) as f64 / f64::from(many - FEW);
    let opening = |ids: u32| format!("bytes to open a document of {ids} ids, in both directions");
    let ratio = all.update.as_secs_f64() / few.update.as_secs_f64();
    let time = format!(
        "time to apply a remote update with {many} ids ({:?}) against {FEW} ids ({:?})",
        all.update, few.update
    );
    Ok(vec![
        bar(&opening(FEW), few.opening as f64, 200.0, "B"),
        bar(&opening(many), all.opening as f64, 200.0, "B"),
        bar(&time, ratio, 1.2, "×"),
        bar(
            &format!("bytes of an id in the relay's file, of {many}"),
            each,
            96.0,
            "B",
        ),
    ])
}

async fn figures(relay: &Path, ids: u32) -> Result<Figures, Failure> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("documents.db");
    fill(&database, ids).await?;
    let file = fs::metadata(&database)?.len();
    let program = Program::start(&mut command(
        relay,
        "127.0.0.1:0",
        &database,
        &["--allow-anyone"],
    ));
    let (reader, writer) = (Handle::new(), Handle::new());
    let mut reading = Peer::open(program.address, &reader).await?;
    reading.caught_up().await?;
    reading.bytes = 0;
    reading.cut().await?;
    reading.caught_up().await?;
    let opening = reading.bytes;
    let mut writing = Peer::open(program.address, &writer).await?;
    writing.caught_up().await?;
    reading.handled.clear();
    for number in 0..UPDATES {
        let key = number.wrapping_mul(7_919) % CELLS;
        let text = format!("update {number}");
        writer.insert(key, &text);
        writing.edited();
        writing.until(|handle| handle.unanswered() == 0).await?;
        let arrived = |handle: &Handle| {
            let state = handle.state();
            state.replica.doc().state().cards.get(&key) == Some(&text)
        };
        reading.until(arrived).await?;
    }
    reading.handled.sort_unstable();
    let middle = reading.handled.get(reading.handled.len() / 2);
    Ok(Figures {
        file,
        opening,
        update: middle.copied().unwrap_or_default(),
    })
}

/// Creates a file with a document of [`CELLS`] cells, which the ids wrote in turn.
async fn fill(database: &Path, ids: u32) -> Result<(), Failure> {
    let log = SqliteLog::open(database)?;
    let now_ms = SystemTime.now_ms();
    let mut heads = vec![IdHead::default(); ids as usize];
    let mut batch = Vec::with_capacity(BATCH);
    let writes = ids.max(CELLS);
    for write in 0..writes {
        if let Some(head) = heads.get_mut((write % ids) as usize) {
            let time = Time::from_ms(now_ms - AGE_MS + u64::from(write));
            let entry = entry(write, ids, time, *head)?;
            *head = entry.head(*head);
            batch.push(entry);
        }
        if batch.len() == BATCH || write + 1 == writes {
            let count = batch.len();
            let pushed = log
                .push(DOCUMENT, "anyone", std::mem::take(&mut batch), now_ms)
                .await?;
            if pushed.count != count {
                return Err(format!("the log refused an entry: {pushed:?}").into());
            }
        }
    }
    Ok(())
}

/// Returns the next entry of an id, which writes one card. Ids are random, so they are not in
/// order.
fn entry(write: u32, ids: u32, time: Time, head: IdHead) -> Result<Entry, Failure> {
    let random = |number: u64| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let replica = ReplicaId::new(random(u64::from(write % ids)));
    let (mut key, mut value) = (Vec::new(), Vec::new());
    encode_key(&(write % CELLS), &mut key)?;
    encode(&format!("card {write}"), &mut value)?;
    let cards = CellPath::from_bytes(b"\x05cards")?;
    let cells = Patch::collect(time, |out| {
        out.group(cards);
        out.copy(CellRef {
            key: &key,
            stamp: Stamp::new(time, replica),
            value: Some(&value),
        });
    })?;
    Ok(Entry {
        id: EntryId {
            replica,
            number: head.number + 1,
        },
        previous: head.hash,
        hash: EntryHash::new(random(u64::from(write) << 32)),
        time,
        cells,
        stored: None,
        user: 0,
    })
}
