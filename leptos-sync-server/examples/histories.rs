//! Compares a log with numbered histories with one without, in one run: the cost of writes, of
//! reading a large document in pages, and of reading what changed.
//!
//! Run it with
//! `cargo run --release -p leptos-sync-server --example histories [CELLS] [FOLDER]`. The files are
//! created in FOLDER, by default the folder for temporary files; choose one on the disk to measure.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use leptos_sync_core::{
    Delta, ReplicaId, Stamp, Time, VersionVector,
    cells::{CellRef, CellWriter, PathBuf},
    history::{Entry, EntryHash, EntryId, IdHead, Patch, Sequence},
};
use leptos_sync_server::{
    DurableLog as _, SqliteLog,
    v2::{self, DurableLog as _},
};

type Failure = Box<dyn Error + Send + Sync>;

const DOCUMENT: &str = "large";
const NOW_MS: u64 = 1_700_000_000_000;
const PAGE_BYTES: usize = 256 * 1024;
/// The number of cells of each large transaction.
const BATCH: u64 = 1_000;
/// The number of writers that wait for their small transactions at the same time.
const WRITERS: u64 = 200;
/// The number of small transactions of each writer in a round.
const SMALL: u64 = 20;

/// The two logs under comparison.
struct Logs {
    plain: SqliteLog,
    numbered: v2::SqliteLog,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let cells = args.next().map_or(Ok(1_000_000), |cells| cells.parse())?;
    let folder = match args.next() {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let logs = open(folder.path())?;
    fill(&logs, cells).await?;
    for round in 0..3 {
        write(&logs, cells, round).await?;
    }
    drop(logs);
    sizes(folder.path())?;
    let logs = open(folder.path())?;
    read(&logs).await
}

fn open(folder: &Path) -> Result<Logs, Failure> {
    Ok(Logs {
        plain: SqliteLog::open(folder.join("plain"))?,
        numbered: v2::SqliteLog::open(folder.join("numbered"))?,
    })
}

/// Writes the cells in transactions of [`BATCH`].
async fn fill(logs: &Logs, cells: u64) -> Result<(), Failure> {
    let (mut plain, mut numbered) = (Duration::ZERO, Duration::ZERO);
    let mut head = IdHead::default();
    for batch in 0..cells / BATCH {
        let keys = || batch * BATCH..(batch + 1) * BATCH;
        let start = Instant::now();
        logs.plain
            .append(DOCUMENT, vec![delta(1, batch, keys())?])
            .await?;
        plain += start.elapsed();
        let entry = entry(1, head, keys())?;
        head = entry.head(head);
        let start = Instant::now();
        push(&logs.numbered, entry).await?;
        numbered += start.elapsed();
    }
    report("writing in transactions of 1,000 cells", plain, numbered);
    Ok(())
}

/// Replaces cells in transactions of one cell, by many writers at the same time.
async fn write(logs: &Logs, cells: u64, round: u64) -> Result<(), Failure> {
    let key = |writer: u64, at: u64| {
        let mixed =
            (writer * SMALL + at + round * WRITERS * SMALL).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed % cells
    };
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| async move {
        for at in 0..SMALL {
            let key = key(writer, at);
            let (replica, after) = (100 + writer, 2_000_000 + round * SMALL + at);
            let delta = delta(replica, after, key..key + 1)?;
            logs.plain.append(DOCUMENT, vec![delta]).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(writers).await?;
    let plain = start.elapsed();
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| async move {
        let id = (1 + round) * 1_000 + writer;
        let mut head = IdHead::default();
        for at in 0..SMALL {
            let key = key(writer, at);
            let entry = entry(id, head, key..key + 1)?;
            head = entry.head(head);
            push(&logs.numbered, entry).await?;
        }
        Ok::<_, Failure>(())
    });
    try_join_all(writers).await?;
    let what = format!("{} transactions of 1 cell, round {round}", WRITERS * SMALL);
    report(&what, plain, start.elapsed());
    Ok(())
}

fn sizes(folder: &Path) -> Result<(), Failure> {
    let size = |name| Ok::<_, Failure>(folder.join(name).metadata()?.len() / 1024 / 1024);
    println!(
        "the files: {} MiB and {} MiB",
        size("plain")?,
        size("numbered")?
    );
    Ok(())
}

/// Reads what changed last, and then everything.
async fn read(logs: &Logs) -> Result<(), Failure> {
    let head = logs.numbered.open(DOCUMENT, Vec::new()).await?.state.head();
    let recent = Sequence::new(head.get().saturating_sub(100));
    let known = logs.plain.state(DOCUMENT).await?.version;
    for what in [
        "the first access, with the audit",
        "what 100 changes changed",
    ] {
        let start = Instant::now();
        logs.plain.since(DOCUMENT, &known, PAGE_BYTES).await?;
        let plain = start.elapsed();
        let start = Instant::now();
        logs.numbered.page(DOCUMENT, recent, PAGE_BYTES).await?;
        report(what, plain, start.elapsed());
    }
    let nothing = VersionVector::new();
    let start = Instant::now();
    logs.plain.since(DOCUMENT, &nothing, PAGE_BYTES).await?;
    let plain = start.elapsed();
    let (mut after, mut times) = (Sequence::ZERO, Vec::new());
    while after < head {
        let start = Instant::now();
        let page = logs.numbered.page(DOCUMENT, after, PAGE_BYTES).await?;
        times.push(start.elapsed());
        after = page.ok_or("nothing was forgotten")?.upto;
    }
    report("everything, all parts or pages", plain, times.iter().sum());
    pages("pages by number", times);
    let (mut after, mut times) = (None, Vec::new());
    loop {
        let start = Instant::now();
        let range = logs.numbered.range(DOCUMENT, after, PAGE_BYTES).await?;
        times.push(start.elapsed());
        after = range.upto;
        if after.is_none() {
            break;
        }
    }
    pages("ranges by path", times);
    Ok(())
}

fn report(what: &str, plain: Duration, numbered: Duration) {
    let ratio = numbered.as_secs_f64() / plain.as_secs_f64();
    println!("{what}: {plain:.1?} without numbers, {numbered:.1?} with numbers, ratio {ratio:.2}");
}

fn pages(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).or(times.last());
    println!(
        "{}: {what}, {:.1?} (p50), {:.1?} (p99), {:.1?} (most)",
        times.len(),
        at(50).copied().unwrap_or_default(),
        at(99).copied().unwrap_or_default(),
        at(100).copied().unwrap_or_default()
    );
}

async fn push(log: &v2::SqliteLog, entry: Entry) -> Result<(), Failure> {
    let pushed = log.push(DOCUMENT, "ada", vec![entry], NOW_MS).await?;
    match pushed.refusal {
        Some(refusal) => Err(format!("{refusal:?}").into()),
        None => Ok(()),
    }
}

fn put(out: &mut CellWriter, stamp: Stamp, keys: std::ops::Range<u64>) {
    out.group(PathBuf::new().child(b"cards").as_path());
    for key in keys {
        let key = &key.to_be_bytes()[..];
        let value = Some(&b"some thirty bytes of what to do"[..]);
        out.copy(CellRef { key, stamp, value });
    }
}

/// Builds a transaction after the one at time `after`.
fn delta(replica: u64, after: u64, keys: std::ops::Range<u64>) -> Result<Delta, Failure> {
    let replica = ReplicaId::new(replica);
    let stamp = Stamp::new(Time::new(after + 1), replica);
    let upto = VersionVector::of(replica, stamp.time);
    Ok(Delta::collect(VersionVector::new(), upto, |out| {
        put(out, stamp, keys);
    })?)
}

/// Builds the entry after a head.
fn entry(id: u64, head: IdHead, keys: std::ops::Range<u64>) -> Result<Entry, Failure> {
    let replica = ReplicaId::new(id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let number = head.number + 1;
    let time = Time::from_ms(NOW_MS + id + number);
    Ok(Entry {
        id: EntryId { replica, number },
        previous: head.hash,
        hash: EntryHash::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        time,
        cells: Patch::collect(time, |out| put(out, Stamp::new(time, replica), keys))?,
        stored: None,
    })
}
