//! Faults that are planted to check that the tests find them.

mod copy;
mod list;
mod log;
mod relay;
mod replica;
mod sets;

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{cmd::Cmd, workspace::Workspace};

/// A fault: a text in a file that replaces another.
struct Fault {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    suite: Suite,
}

/// The tests that must find a fault.
#[derive(Clone, Copy)]
enum Suite {
    /// The real relay and clients in virtual time.
    Relay,
    /// Documents over a faulty network.
    Simulation,
    /// Clients that break the protocol, over real WebSockets.
    BadClients,
    /// Messages over a limit, over real WebSockets.
    TooLarge,
    /// The largest transactions and pages, over real WebSockets.
    LargestMessages,
    /// Effects of one connection on others.
    Neighbours,
    /// Clients that read a large document slowly.
    SlowReaders,
    /// Values that change when they are written and read.
    Values,
    /// Clocks whose time source has another unit.
    TimeSource,
    /// Collections of records.
    Collection,
    /// Replicas that exchange the frames of protocol 2.
    Protocol,
    /// Stories of replicas.
    Replica,
    /// Stories of replicas, one for each rule.
    ReplicaRules,
    /// Stories of sets at replicas.
    ReplicaTags,
    /// Replicas in a storage.
    ReplicaStore,
    /// Replicas with disks and a relay that go back in time.
    ReplicaSimulation,
    /// The unit tests of the core.
    Core,
    /// The laws of logs with numbered histories.
    Log,
    /// What a relay answers about a document's history.
    StoredDocument,
    /// Clients of protocol 2 and a log.
    ProtocolLog,
    /// The laws of data types.
    Laws,
    /// Sets, compared with a set of unique tags.
    Sets,
    /// A log in a file.
    LogFile,
    /// A log whose files are renamed or replaced.
    Lock,
    /// Clients that send WebSocket pings without end.
    ControlFrames,
}

/// The name of a package's unit tests in the table.
const UNITS: &str = "unit tests";

impl Suite {
    fn package_and_test(self) -> [&'static str; 2] {
        match self {
            Self::Relay => ["leptos-sync-server", "relay_simulation"],
            Self::Simulation => ["leptos-sync-core", "simulation"],
            Self::BadClients => ["leptos-sync-server", "bad_clients"],
            Self::TooLarge => ["leptos-sync-server", "too_large"],
            Self::LargestMessages => ["leptos-sync-server", "largest_messages"],
            Self::Neighbours => ["leptos-sync-server", "neighbours"],
            Self::SlowReaders => ["leptos-sync-server", "slow_readers"],
            Self::Values => ["leptos-sync-core", "values"],
            Self::TimeSource => ["leptos-sync-core", "time_source"],
            Self::Collection => ["leptos-sync-core", "collection"],
            Self::Protocol => ["leptos-sync-core", "protocol_simulation"],
            Self::Replica => ["leptos-sync-core", "replica"],
            Self::ReplicaRules => ["leptos-sync-core", "replica_rules"],
            Self::ReplicaTags => ["leptos-sync-core", "replica_tags"],
            Self::ReplicaStore => ["leptos-sync-core", "replica_store"],
            Self::ReplicaSimulation => ["leptos-sync-core", "replica_simulation"],
            Self::Core => ["leptos-sync-core", UNITS],
            Self::Log => ["leptos-sync-server", "conformance"],
            Self::StoredDocument => ["leptos-sync-server", "stored_document"],
            Self::ProtocolLog => ["leptos-sync-server", "protocol_simulation"],
            Self::Laws => ["leptos-sync-core", "laws"],
            Self::Sets => ["leptos-sync-core", "sets"],
            Self::LogFile => ["leptos-sync-server", "sqlite_file"],
            Self::Lock => ["leptos-sync-server", "sqlite_lock"],
            Self::ControlFrames => ["leptos-sync-server", "control_frames"],
        }
    }
}

/// A planted fault, and whether the tests found it.
pub(crate) struct Planted {
    /// The name of the fault.
    pub(crate) name: &'static str,
    /// The tests that should find it.
    pub(crate) test: &'static str,
    /// The result of the tests.
    pub(crate) outcome: Outcome,
}

/// The result of the tests of a planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The tests found the fault.
    Found,
    /// The tests passed.
    Missed,
    /// The fault does not compile, so no test is needed to find it. The list needs another one.
    Uncompiled,
    /// The tests fail without the fault too, so they prove nothing.
    Unsound,
}

impl Outcome {
    /// Returns the outcome as a short text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Found => "yes",
            Self::Missed => "**no**",
            Self::Uncompiled => "**does not compile**",
            Self::Unsound => "**the tests fail without it**",
        }
    }
}

/// Returns all faults.
fn faults() -> impl Iterator<Item = &'static Fault> {
    let faults = list::FAULTS.iter().chain(log::FAULTS);
    let faults = faults.chain(relay::FAULTS).chain(replica::FAULTS);
    faults.chain(sets::FAULTS)
}

/// Plants each fault whose name contains `filter` in a copy of the workspace, and runs its tests
/// with a number of seeds. Before the first fault of a suite, runs its tests without a fault.
pub(crate) fn plant(workspace: &Workspace, filter: &str, seeds: u64) -> Result<Vec<Planted>> {
    let home = workspace.target.join("mutants");
    let copy = home.join("workspace");
    copy::copy(&workspace.root, &copy)?;
    let mut sound = BTreeMap::new();
    let mut planted = Vec::new();
    for fault in faults().filter(|fault| fault.name.contains(filter)) {
        eprint!("==> {} … ", fault.name);
        let [package, test] = fault.suite.package_and_test();
        let run = |args: &[&str]| {
            let target: &[&str] = match test == UNITS {
                true => &["--lib"],
                false => &["--test", test],
            };
            let cargo = Cmd::cargo()
                .args(["test", "--package", package])
                .args(target)
                .args(args)
                .env("CARGO_TARGET_DIR", home.join("target"))
                .env("LEPTOS_SYNC_SEEDS", seeds.to_string())
                .env("RUSTFLAGS", "--cap-lints=warn")
                .dir(&copy);
            cargo.run_quietly()
        };
        let outcome = match *sound
            .entry([package, test])
            .or_insert_with(|| passes(run(&[])))
        {
            true => fault.try_out(&copy, run)?,
            false => Outcome::Unsound,
        };
        eprintln!("{}", outcome.text());
        planted.push(Planted {
            name: fault.name,
            test,
            outcome,
        });
    }
    ensure!(!planted.is_empty(), "no fault's name contains `{filter}`");
    Ok(planted)
}

/// Returns whether tests pass without a fault. Prints why they do not.
fn passes(tests: Result<()>) -> bool {
    tests.inspect_err(|error| eprintln!("{error}")).is_ok()
}

impl Fault {
    /// Plants the fault in a workspace, runs its tests, and restores the file.
    fn try_out(&self, workspace: &Path, run: impl Fn(&[&str]) -> Result<()>) -> Result<Outcome> {
        let file = workspace.join(self.file);
        let sound = fs::read_to_string(&file).with_context(|| self.file.to_owned())?;
        fs::write(&file, self.planted_in(&sound)?)?;
        let outcome = if run(&["--no-run"]).is_err() {
            Outcome::Uncompiled
        } else if run(&[]).is_ok() {
            Outcome::Missed
        } else {
            Outcome::Found
        };
        fs::write(&file, sound)?;
        Ok(outcome)
    }

    /// Returns the text of the file with the fault.
    fn planted_in(&self, sound: &str) -> Result<String> {
        ensure!(
            sound.matches(self.from).count() == 1,
            "`{}` must occur once in {}; correct the list of faults",
            self.from,
            self.file
        );
        Ok(sound.replace(self.from, self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_be_planted() {
        let workspace = Workspace::load().unwrap();
        for fault in faults() {
            let sound = fs::read_to_string(workspace.root.join(fault.file)).unwrap();
            let planted = fault.planted_in(&sound).unwrap();
            assert_ne!(planted, sound, "{}", fault.name);
        }
    }
}
