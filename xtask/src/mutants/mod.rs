//! Faults that are planted on purpose, to see that the tests find them.

mod list;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{cmd::Cmd, workspace::Workspace};

/// A fault: in a file, one text in the place of another.
struct Fault {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    suite: Suite,
}

/// Tests that have to find a fault.
#[derive(Clone, Copy)]
enum Suite {
    /// Replicas, network and relay in virtual time.
    Simulation,
    /// The real router on hosts that crash.
    Turmoil,
    /// Who does not behave, over real WebSockets.
    BadClients,
    /// Who brings too much, over real WebSockets.
    TooLarge,
    /// What one connection does to the others.
    Neighbours,
    /// Who takes in a large document slowly.
    SlowReaders,
    /// What a relay has not acknowledged.
    Outbox,
    /// The same in a storage.
    Exchanged,
}

impl Suite {
    fn package_and_test(self) -> [&'static str; 2] {
        match self {
            Self::Simulation => ["leptos-sync-server", "simulation"],
            Self::Turmoil => ["leptos-sync-server", "turmoil"],
            Self::BadClients => ["leptos-sync-server", "bad_clients"],
            Self::TooLarge => ["leptos-sync-server", "too_large"],
            Self::Neighbours => ["leptos-sync-server", "neighbours"],
            Self::SlowReaders => ["leptos-sync-server", "slow_readers"],
            Self::Outbox => ["leptos-sync-core", "outbox"],
            Self::Exchanged => ["leptos-sync-core", "exchanged"],
        }
    }
}

/// What became of a fault.
pub(crate) struct Planted {
    /// What it was.
    pub(crate) name: &'static str,
    /// The tests that were to find it.
    pub(crate) test: &'static str,
    /// Whether they did.
    pub(crate) found: bool,
}

/// Plants each fault whose name has `filter` in it, in a copy of the workspace, and runs its tests with so many seeds.
pub(crate) fn plant(workspace: &Workspace, filter: &str, seeds: u64) -> Result<Vec<Planted>> {
    let home = workspace.target.join("mutants");
    let copy = copy(workspace, &home.join("workspace"))?;
    let chosen = list::FAULTS
        .iter()
        .filter(|fault| fault.name.contains(filter));
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
        // What does not compile would be found by anybody.
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
    ensure!(!planted.is_empty(), "no fault has `{filter}` in its name");
    Ok(planted)
}

impl Fault {
    /// The file with the fault in it.
    fn planted_in(&self, sound: &str) -> Result<String> {
        ensure!(
            sound.matches(self.from).count() == 1,
            "`{}` is not once in {}: mend the list of faults",
            self.from,
            self.file
        );
        Ok(sound.replace(self.from, self.to))
    }
}

/// The workspace's files, as they are, in another folder: those that have changed since are copied again.
fn copy(workspace: &Workspace, to: &Path) -> Result<PathBuf> {
    let listed = Cmd::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .dir(&workspace.root)
        .read()?;
    for name in listed.lines() {
        let (from, to) = (workspace.root.join(name), to.join(name));
        // One that was removed is listed until that is committed.
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
        for fault in list::FAULTS {
            let sound = fs::read_to_string(workspace.root.join(fault.file)).unwrap();
            let planted = fault.planted_in(&sound).unwrap();
            assert_ne!(planted, sound, "{}", fault.name);
        }
    }
}
