//! Faults that are planted to check that the tests find them.

mod list;
mod log;
mod relay;
mod replica;

use std::{
    fs,
    path::{Path, PathBuf},
};

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
    /// Replicas in a storage.
    ReplicaStore,
    /// Replicas with disks and a relay that go back in time.
    ReplicaSimulation,
    /// The laws of logs with numbered histories.
    Log,
    /// What a relay answers about a document's history.
    StoredDocument,
    /// Clients of protocol 2 and a log.
    ProtocolLog,
    /// The laws of data types.
    Laws,
    /// A log in a file.
    LogFile,
    /// A log whose files are renamed or replaced.
    Lock,
    /// Clients that send WebSocket pings without end.
    ControlFrames,
}

impl Suite {
    fn package_and_test(self) -> [&'static str; 2] {
        match self {
            Self::Relay => ["leptos-sync-server", "relay_simulation"],
            Self::Simulation => ["leptos-sync-core", "simulation"],
            Self::BadClients => ["leptos-sync-server", "bad_clients"],
            Self::TooLarge => ["leptos-sync-server", "too_large"],
            Self::Neighbours => ["leptos-sync-server", "neighbours"],
            Self::SlowReaders => ["leptos-sync-server", "slow_readers"],
            Self::Values => ["leptos-sync-core", "values"],
            Self::TimeSource => ["leptos-sync-core", "time_source"],
            Self::Collection => ["leptos-sync-core", "collection"],
            Self::Protocol => ["leptos-sync-core", "protocol_simulation"],
            Self::Replica => ["leptos-sync-core", "replica"],
            Self::ReplicaRules => ["leptos-sync-core", "replica_rules"],
            Self::ReplicaStore => ["leptos-sync-core", "replica_store"],
            Self::ReplicaSimulation => ["leptos-sync-core", "replica_simulation"],
            Self::Log => ["leptos-sync-server", "conformance"],
            Self::StoredDocument => ["leptos-sync-server", "stored_document"],
            Self::ProtocolLog => ["leptos-sync-server", "protocol_simulation"],
            Self::Laws => ["leptos-sync-core", "laws"],
            Self::LogFile => ["leptos-sync-server", "sqlite_file"],
            Self::Lock => ["leptos-sync-server", "sqlite_lock"],
            Self::ControlFrames => ["leptos-sync-server", "control_frames"],
        }
    }
}

/// The outcome of a planted fault.
pub(crate) struct Planted {
    /// The name of the fault.
    pub(crate) name: &'static str,
    /// The tests that should find it.
    pub(crate) test: &'static str,
    /// Whether the tests found it.
    pub(crate) found: bool,
}

/// Returns all faults.
fn faults() -> impl Iterator<Item = &'static Fault> {
    let faults = list::FAULTS.iter().chain(log::FAULTS);
    faults.chain(relay::FAULTS).chain(replica::FAULTS)
}

/// Plants each fault whose name contains `filter` in a copy of the workspace, and runs its tests
/// with a number of seeds.
pub(crate) fn plant(workspace: &Workspace, filter: &str, seeds: u64) -> Result<Vec<Planted>> {
    let home = workspace.target.join("mutants");
    let copy = copy(workspace, &home.join("workspace"))?;
    let chosen = faults().filter(|fault| fault.name.contains(filter));
    let mut planted = Vec::new();
    for fault in chosen {
        eprintln!("==> {} …", fault.name);
        let file = copy.join(fault.file);
        let sound = fs::read_to_string(&file).with_context(|| fault.file.to_owned())?;
        fs::write(&file, fault.planted_in(&sound)?)?;
        let [package, test] = fault.suite.package_and_test();
        let cargo = |args: &[&str]| {
            Cmd::cargo()
                .args(["test", "--package", package, "--test", test])
                .args(args)
                .env("CARGO_TARGET_DIR", home.join("target"))
                .env("LEPTOS_SYNC_SEEDS", seeds.to_string())
                .env("RUSTFLAGS", "--cap-lints=warn")
                .dir(&copy)
        };
        // The fault must compile; faults that do not compile need no test.
        cargo(&["--no-run"]).run_quietly().context(fault.name)?;
        let found = cargo(&[]).run_quietly().is_err();
        fs::write(&file, sound)?;
        eprintln!(
            "==> {} … {}",
            fault.name,
            if found { "found" } else { "NOT FOUND" }
        );
        planted.push(Planted {
            name: fault.name,
            test,
            found,
        });
    }
    ensure!(!planted.is_empty(), "no fault's name contains `{filter}`");
    Ok(planted)
}

impl Fault {
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

/// Copies the files of the workspace to another folder, except those that have not changed since
/// the last copy.
fn copy(workspace: &Workspace, to: &Path) -> Result<PathBuf> {
    let listed = Cmd::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .dir(&workspace.root)
        .read()?;
    for name in listed.lines() {
        let (from, to) = (workspace.root.join(name), to.join(name));
        // git lists a removed file until the removal is committed.
        let Ok(bytes) = fs::read(&from) else {
            continue;
        };
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&to, bytes)?;
        }
    }
    Ok(to.to_owned())
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
