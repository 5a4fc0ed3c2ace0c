//! A load test of the relay program. It measures the memory for 10,000 connections, the latency of
//! delivery and acknowledgement at a steady rate, and the time to reconnect after all connections
//! are lost at the same time.
//!
//! `cargo xtask load` builds the program and this test and runs `load RELAY SECONDS`. The test
//! prints a table of bars, and fails if one is missed. Every connection is a client of the core
//! with its own token and one open document. All of them share one process and one thread. The load
//! is **open**: an edit is due at a fixed time, even if earlier ones are not acknowledged, and its
//! waiting time is measured from then. A stall of the relay therefore increases the waiting time of
//! every edit that was due during the stall.
//!
//! The test shares the machine and its disk with the relay. On a busy machine, its times are
//! meaningless.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod bars;
mod connection;
mod crowd;
mod figures;
#[path = "../../tests/common/handle.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests")]
mod handle;
#[path = "../../tests/common/issuer.rs"]
#[allow(clippy::unwrap_used, reason = "shared with tests")]
mod issuer;
#[path = "../../tests/common/program.rs"]
#[allow(clippy::unwrap_used, reason = "shared with tests")]
mod program;
mod replica;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::Ordering,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::{Instant, sleep, sleep_until};

use self::{
    bars::{Bar, Table},
    connection::Pace,
    crowd::{CONNECTIONS, Crowd, LONE_WRITERS, READERS, STAGES},
    figures::Figures,
    issuer::Issuer,
    program::{Program, command},
};

type Failure = Box<dyn Error + Send + Sync>;

/// The duration of the warm-up under the same load.
const WARM_UP: Duration = Duration::from_secs(3);

/// The time after which an unanswered edit counts as missing.
const LATEST: Duration = Duration::from_secs(10);

/// The time for the relay to clean up after closed connections.
const REST: Duration = Duration::from_secs(3);

/// The number of deliveries per second that the writers cause.
const DELIVERIES: u32 = 20_000;

/// The number of operations per second that the writers send.
const OPERATIONS: u32 = 5_000;

/// The number of open files of a process in addition to its connections.
const OTHER_FILES: u64 = 200;

const MB: f64 = 1_000_000.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(bars) => {
            println!("{}", Table(&bars));
            match bars.iter().all(Bar::is_met) {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Vec<Bar>, Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(relay), Some(seconds)) = (args.next(), args.next()) else {
        return Err("usage: load RELAY SECONDS".into());
    };
    let (relay, time) = (PathBuf::from(relay), Duration::from_secs(seconds.parse()?));
    allow_files()?;
    // The kernel writes the files of a build to disk about 30 seconds later. A commit then waits
    // for these writes, for up to 0.4 seconds.
    rustix::fs::sync();
    let busy = std::fs::read_to_string("/proc/loadavg")?;
    let busy = busy.split(' ').next().unwrap_or_default();
    println!(
        "Load average before: {busy}. Beside other work, the times are not the relay's alone.\n"
    );
    let mut bars = vec![idle(&relay).await?];

    let folder = tempfile::tempdir()?;
    let database = folder.path().join("documents.db");
    let (issuer, access) = Issuer::new(folder.path());
    let program = Program::start(&mut command(&relay, "127.0.0.1:0", &database, &access));
    let address = program.address;
    let crowd = Crowd::gather(CONNECTIONS, address, &issuer).await?;
    sleep(REST).await;
    bars.push(Bar {
        what: "memory with 10,000 connections that are idle",
        figure: program.memory("VmRSS") as f64 / MB,
        most: 250.0,
        unit: "MB",
        note: String::new(),
    });
    bars.push(deliveries(&crowd, &program, time).await?);
    bars.push(acknowledgements(&crowd, &program, time).await?);
    bars.push(Bar {
        what: "memory at most, until then",
        figure: program.memory("VmHWM") as f64 / MB,
        most: 250.0,
        unit: "MB",
        note: String::new(),
    });

    let lost = crowd.figures.lost.load(Ordering::Relaxed) + CONNECTIONS;
    let start = Instant::now();
    drop(program);
    let listen = address.to_string();
    let program = Program::start(&mut command(&relay, &listen, &database, &access));
    crowd.wait("back", CONNECTIONS, lost).await?;
    bars.push(Bar {
        what: "10,000 connections are back after the relay was killed",
        figure: start.elapsed().as_secs_f64(),
        most: 30.0,
        unit: "s",
        note: format!(
            "memory at most {:.0} MB",
            program.memory("VmHWM") as f64 / MB
        ),
    });
    crowd.figures.check()?;
    Ok(bars)
}

/// Measures a relay with one document and one idle connection.
async fn idle(relay: &Path) -> Result<Bar, Failure> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("documents.db");
    let (issuer, access) = Issuer::new(folder.path());
    let program = Program::start(&mut command(relay, "127.0.0.1:0", &database, &access));
    let crowd = Crowd::gather(1, program.address, &issuer).await?;
    let now = crowd.figures.now();
    let one = Pace {
        start: now,
        end: now + Duration::from_nanos(1),
        interval: REST,
    };
    crowd.figures.measure(one.start..one.end);
    crowd.performers.send_replace(one);
    settled(&crowd.figures, 0, 1).await?;
    sleep(REST).await;
    Ok(Bar {
        what: "memory with one document and nothing to do",
        figure: program.memory("VmRSS") as f64 / MB,
        most: 20.0,
        unit: "MB",
        note: String::new(),
    })
}

/// Measures edits with many readers.
async fn deliveries(crowd: &Crowd, program: &Program, time: Duration) -> Result<Bar, Failure> {
    let edits = DELIVERIES / READERS as u32;
    let pace = pace(&crowd.figures, edits, time);
    crowd.performers.send_replace(pace);
    let took = took(program, &crowd.figures, pace).await;
    let made = u64::from(edits) * time.as_secs();
    settled(&crowd.figures, made * READERS as u64, made).await?;
    let waits = &crowd.figures.delivered;
    Ok(Bar {
        what: "20,000 deliveries a second, until a replica has it: p99",
        figure: waits.percentile_ms(99.0),
        most: 10.0,
        unit: "ms",
        note: format!(
            "{STAGES} writers with {READERS} readers each; p50 {:.2}, p99.9 {:.2}, most {:.2} ms; a processor's {took:.0} %",
            waits.percentile_ms(50.0),
            waits.percentile_ms(99.9),
            waits.percentile_ms(100.0),
        ),
    })
}

/// Measures edits until they are durable.
async fn acknowledgements(
    crowd: &Crowd,
    program: &Program,
    time: Duration,
) -> Result<Bar, Failure> {
    let pace = pace(&crowd.figures, OPERATIONS, time);
    crowd.lone_writers.send_replace(pace);
    let took = took(program, &crowd.figures, pace).await;
    settled(&crowd.figures, 0, u64::from(OPERATIONS) * time.as_secs()).await?;
    let waits = &crowd.figures.acknowledged;
    Ok(Bar {
        what: "5,000 operations a second, until durable: p99",
        figure: waits.percentile_ms(99.0),
        most: 25.0,
        unit: "ms",
        note: format!(
            "{LONE_WRITERS} writers; p50 {:.2}, p99.9 {:.2}, most {:.2} ms; a processor's {took:.0} %",
            waits.percentile_ms(50.0),
            waits.percentile_ms(99.9),
            waits.percentile_ms(100.0),
        ),
    })
}

/// Starts a pace, and measures from the end of the warm-up.
fn pace(figures: &Figures, a_second: u32, time: Duration) -> Pace {
    let start = figures.now() + Duration::from_millis(100);
    let end = start + WARM_UP + time;
    figures.measure(start + WARM_UP..end);
    Pace {
        start,
        end,
        interval: Duration::from_secs(1) / a_second,
    }
}

/// Waits until the end of the measurement and returns the relay's share of one processor, in
/// percent.
async fn took(program: &Program, figures: &Figures, pace: Pace) -> f64 {
    sleep_until(figures.instant(pace.start)).await;
    let before = program.processor_time();
    sleep_until(figures.instant(pace.end)).await;
    let took = program.processor_time() - before;
    100.0 * took.as_secs_f64() / (pace.end - pace.start).as_secs_f64()
}

/// Waits until every edit is delivered and acknowledged.
async fn settled(figures: &Figures, delivered: u64, acknowledged: u64) -> Result<(), Failure> {
    let start = Instant::now();
    let is_done =
        || figures.delivered.count() >= delivered && figures.acknowledged.count() >= acknowledged;
    while !is_done() && start.elapsed() < LATEST {
        sleep(Duration::from_millis(10)).await;
    }
    figures.check()?;
    if is_done() {
        return Ok(());
    }
    Err(format!(
        "{} of {delivered} deliveries and {} of {acknowledged} acknowledgements came within {LATEST:?}",
        figures.delivered.count(),
        figures.acknowledged.count()
    )
    .into())
}

/// Raises the limit of open files of this process, which the relay inherits, to fit the
/// connections.
fn allow_files() -> Result<(), Failure> {
    let needed = CONNECTIONS as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < needed) {
        return Err(format!(
            "this needs {needed} open files, and the hard limit is lower; raise it with `ulimit -Hn {needed}` as root, \
             or in /etc/security/limits.conf (`nofile`), and log in again"
        )
        .into());
    }
    if limit.current.is_some_and(|now| now < needed) {
        let raised = Rlimit {
            current: Some(needed),
            ..limit
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(())
}
