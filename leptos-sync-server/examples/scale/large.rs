//! A document that is larger than the memory of the relay.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Instant};

use crate::{
    Bar, Failure,
    handle::{BoardFields as _, Handle},
    peer::Peer,
    program::{Program, command},
};

/// The size of a cell in bytes, with its path. 4,000,000 such cells are 1 GiB.
const CELL_BYTES: u32 = 268;

/// The size of a card's text in bytes. The rest are the path and the length.
const TEXT_BYTES: usize = 256;

/// The number of cells in one transaction, which takes about half of the largest size.
const CELLS_AT_A_TIME: u32 = 2_000;

/// The number of transactions that the writer sends without an answer.
const UNANSWERED: usize = 4;

/// The memory in bytes that the relay may use above that of an idle relay.
const RELAY_BYTES: f64 = 64.0 * MIB;

const MIB: f64 = 1024.0 * 1024.0;

/// Writes a document through the relay, and lets another process read it with `cuts` cuts.
pub(crate) async fn measure(relay: &Path, cells: u32, cuts: u32) -> Result<Vec<Bar>, Failure> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("documents.db");
    let program = Program::start(&mut command(
        relay,
        "127.0.0.1:0",
        &database,
        &["--allow-anyone"],
    ));
    let idle = program.memory("VmRSS");
    let start = Instant::now();
    write(program.address, cells).await?;
    println!("written in {:?}", start.elapsed());
    println!(
        "the file has {:.0} MiB",
        fs::metadata(&database)?.len() as f64 / MIB
    );
    let writing = program.memory("VmHWM");
    let start = Instant::now();
    let read = Command::new(std::env::current_exe()?)
        .args(["read", &program.address.to_string()])
        .args([cells.to_string(), cuts.to_string()])
        .output()?;
    let printed = String::from_utf8(read.stdout)?;
    println!("read in {:?}", start.elapsed());
    let most: f64 = printed.trim().parse().map_err(|_| {
        let errors = String::from_utf8_lossy(&read.stderr);
        format!("the reader failed: {printed}{errors}")
    })?;
    let all = program.memory("VmHWM");
    let relay = |when: &str, peak: u64| Bar {
        what: format!("peak memory of the relay above an idle one, {when} {cells} cells"),
        figure: peak.saturating_sub(idle) as f64 / MIB,
        most: RELAY_BYTES / MIB,
        unit: "MiB",
    };
    let size = f64::from(cells) * f64::from(CELL_BYTES);
    Ok(vec![
        relay("writing", writing),
        relay("writing and reading", all),
        Bar {
            what: format!(
                "peak memory of a client that reads a document of {:.0} MiB, {cuts} times cut off",
                size / MIB
            ),
            figure: most / size,
            most: 2.0,
            unit: "× the document",
        },
    ])
}

async fn write(address: SocketAddr, cells: u32) -> Result<(), Failure> {
    let handle = Handle::new();
    let mut peer = Peer::open(address, &handle).await?;
    peer.caught_up().await?;
    let mut texts = Texts(0x5eed_1e55_0123_4567);
    let mut key = 0;
    while key < cells {
        let end = cells.min(key + CELLS_AT_A_TIME);
        handle.state().replica.transact(|tx| {
            (key..end).for_each(|key| tx.cards().insert(key, texts.next()));
        })?;
        key = end;
        peer.edited();
        peer.until(|handle| handle.unanswered() <= UNANSWERED)
            .await?;
    }
    peer.until(|handle| handle.unanswered() == 0).await
}

/// Reads a document of `cells`, and prints the peak memory of this process in bytes.
pub(crate) async fn read(address: SocketAddr, cells: u32, cuts: u32) -> Result<(), Failure> {
    let handle = Handle::new();
    let mut peer = Peer::open(address, &handle).await?;
    for cut in 1..=cuts {
        let enough = (u64::from(cells) * u64::from(cut) / u64::from(cuts + 1)) as usize;
        peer.until(|handle| count(handle) >= enough).await?;
        peer.cut().await?;
    }
    peer.caught_up().await?;
    if count(&handle) != cells as usize {
        return Err(format!("read {} cells", count(&handle)).into());
    }
    if handle.state().compared > 0 {
        return Err("the client compared the document instead of reading on".into());
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next());
    let kib: u64 = kib.ok_or("the system reports no memory")?.parse()?;
    println!("{}", kib * 1024);
    Ok(())
}

fn count(handle: &Handle) -> usize {
    handle.state().replica.doc().state().cards.len()
}

/// Texts that do not compress well.
struct Texts(u64);

impl Texts {
    fn next(&mut self) -> String {
        let mut text = String::with_capacity(TEXT_BYTES);
        while text.len() < TEXT_BYTES {
            // Xorshift (Marsaglia, 2003).
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let letters = self
                .0
                .to_le_bytes()
                .map(|byte| char::from(b'0' + byte % 64));
            text.extend(letters);
        }
        text
    }
}
