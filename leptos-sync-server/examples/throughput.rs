//! Measures the throughput of a log in a file with small transactions, and the time until each is
//! acknowledged.
//!
//! Run it with
//! `cargo run --release -p leptos-sync-server --example throughput [SECONDS] [FOLDER]`.
//! First, each of 200 writers waits for the acknowledgement before it writes again. Then 5,000
//! transactions per second arrive, even if earlier ones are not acknowledged. Last, it measures the
//! cost of reading a document. The file is created in FOLDER, by default the folder for
//! temporary files; choose one on the disk to measure.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::{
    error::Error,
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, CellWriter, PathBuf},
    history::{Entry, EntryHash, EntryId, Patch, Sequence},
};
use leptos_sync_server::{DurableLog, SqliteLog, limits};

const WRITERS: u64 = 200;
/// The number of documents that the writers share.
const DOCUMENTS: u64 = 50;
const OFFERED: u64 = 5_000;
/// The number of cards that a writer cycles through.
const CARDS: u64 = 500;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let folder = match args.next() {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let time = Duration::from_secs(seconds);
    println!(
        "a write of 4 KiB and its fsync: {:?}",
        fsync(folder.path())?
    );
    let log = Arc::new(SqliteLog::open(folder.path().join("log"))?);
    report(
        "200 writers, one after the other each",
        time,
        closed(&log, time).await?,
    );
    report("5,000 a second offered", time, open(&log, time).await?);
    fill(&log).await?;
    drop(log);
    read(&SqliteLog::open(folder.path().join("log"))?).await
}

/// The name of the large document.
const LARGE: &str = "large";

/// The number of transactions that fill it, of [`FILL_CELLS`] cells each.
const FILLS: u64 = 200;
const FILL_CELLS: u64 = 1_000;

/// Writes 200,000 cells, and then 100 more.
async fn fill(log: &SqliteLog) -> Result<(), Failure> {
    for at in 0..FILLS {
        push(log, LARGE, cards(at, FILL_CELLS)?).await?;
    }
    push(log, LARGE, cards(FILLS, 100)?).await
}

/// Builds transaction number `at`, which writes cards of its own.
fn cards(at: u64, count: u64) -> Result<Entry, Failure> {
    entry(1, at, |out, stamp| {
        out.group(PathBuf::new().child(b"cards").as_path());
        for key in 0..count {
            let key = (at * FILL_CELLS + key).to_be_bytes();
            let value = Some(&b"some thirty bytes of what to do"[..]);
            out.copy(CellRef {
                key: &key,
                stamp,
                value,
            });
        }
    })
}

/// Builds the entry of a writer after `before` others.
fn entry(
    writer: u64,
    before: u64,
    write: impl FnOnce(&mut CellWriter, Stamp),
) -> Result<Entry, Failure> {
    let (replica, number, time) = (ReplicaId::new(writer), before + 1, Time::new(before + 1));
    let cells = Patch::collect(time, |out| write(out, Stamp::new(time, replica)))?;
    Ok(Entry {
        id: EntryId { replica, number },
        previous: EntryHash::new(before),
        hash: EntryHash::new(number),
        time,
        cells,
        stored: None,
        user: 0,
    })
}

async fn push(log: &SqliteLog, document: &str, entry: Entry) -> Result<(), Failure> {
    let pushed = log.push(document, "writer", vec![entry], 0).await?;
    match pushed.refusal {
        None => Ok(()),
        Some(refusal) => Err(format!("an entry was refused: {refusal:?}").into()),
    }
}

/// Measures the first access to a document, a read of 100 changes, and a read of everything.
async fn read(log: &SqliteLog) -> Result<(), Failure> {
    for (what, known) in [
        ("100 changes, the first use of the document", FILLS),
        ("100 changes of 200,100 cells", FILLS),
        ("all of 200,100 cells", 0),
    ] {
        let (start, mut after) = (Instant::now(), Sequence::new(known));
        loop {
            let page = log.page(LARGE, after, limits::PAGE_BYTES).await?;
            let page = page.ok_or("nothing was forgotten")?;
            after = page.upto;
            if after == page.state.head() {
                break;
            }
        }
        println!("{what}: {:?}", start.elapsed());
    }
    Ok(())
}

/// Returns the median time of an empty commit on this disk.
fn fsync(folder: &Path) -> Result<Duration, Failure> {
    let mut file = File::create(folder.join("fsync"))?;
    let mut taken = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        taken.push(start.elapsed());
    }
    taken.sort_unstable();
    Ok(quantile(&taken, 50))
}

/// Runs the closed load: each writer waits for its acknowledgement.
async fn closed(log: &Arc<SqliteLog>, time: Duration) -> Result<Vec<Duration>, Failure> {
    let end = Instant::now() + time;
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(log);
        tokio::spawn(async move {
            let (mut waited, mut at) = (Vec::new(), 0);
            while Instant::now() < end {
                let start = Instant::now();
                append(&log, writer, at).await?;
                waited.push(start.elapsed());
                at += 1;
            }
            Ok::<_, Failure>(waited)
        })
    });
    let mut all = Vec::new();
    for waited in join_all(writers).await {
        all.append(&mut waited??);
    }
    Ok(all)
}

/// Runs the open load: the waiting time of a transaction is measured from the time at which it was
/// due.
async fn open(log: &Arc<SqliteLog>, time: Duration) -> Result<Vec<Duration>, Failure> {
    let start = Instant::now();
    let mut appends = Vec::new();
    let mut pace = tokio::time::interval(Duration::from_millis(1));
    while start.elapsed() < time {
        pace.tick().await;
        let due = start.elapsed().as_micros() as u64 * OFFERED / 1_000_000;
        while (appends.len() as u64) < due {
            let (log, number) = (Arc::clone(log), appends.len() as u64);
            let came = Instant::now();
            // Use one writer per transaction, so that no transaction follows one that is still in
            // flight.
            let writer = WRITERS + number % 2_000;
            let at = number / 2_000;
            appends.push(tokio::spawn(async move {
                append(&log, writer, at).await?;
                Ok::<_, Failure>(came.elapsed())
            }));
        }
    }
    let mut all = Vec::new();
    for waited in join_all(appends).await {
        all.push(waited??);
    }
    Ok(all)
}

/// Stores one small transaction: a card's text and a counter.
async fn append(log: &SqliteLog, writer: u64, at: u64) -> Result<(), Failure> {
    let key = (writer * CARDS + at % CARDS).to_be_bytes();
    let entry = entry(writer, at, |out, stamp| {
        for (parent, key, value) in [
            ("cards", key, &b"some thirty bytes of what to do"[..]),
            ("moves", writer.to_be_bytes(), &at.to_be_bytes()[..]),
        ] {
            out.group(PathBuf::new().child(parent.as_bytes()).as_path());
            let (key, value) = (&key[..], Some(value));
            out.copy(CellRef { key, stamp, value });
        }
    })?;
    push(log, &format!("board {}", writer % DOCUMENTS), entry).await
}

fn report(what: &str, time: Duration, mut waited: Vec<Duration>) {
    waited.sort_unstable();
    println!(
        "{what}: {:.0} transactions/s, acknowledged after {:?} (p50), {:?} (p99), {:?} (most)",
        waited.len() as f64 / time.as_secs_f64(),
        quantile(&waited, 50),
        quantile(&waited, 99),
        quantile(&waited, 100),
    );
}

/// Returns a percentile.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
