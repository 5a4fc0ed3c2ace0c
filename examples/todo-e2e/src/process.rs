//! Kills a process with all of its descendants.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Sends SIGKILL to a process and all of its descendants.
///
/// A browser consists of a dozen processes, and the one that writes its databases is not the one
/// that the driver has started. Without `/proc`, only the process itself is killed.
pub(crate) fn kill_tree(root: u32) {
    let parents = parents();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(child, _)| *child),
        );
        next += 1;
    }
    for pid in tree
        .into_iter()
        .filter_map(|pid| i32::try_from(pid).ok())
        .filter_map(Pid::from_raw)
    {
        // A process that has already exited needs no signal.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Lists every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let child = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // The format is "pid (name) state parent …". The name may contain spaces and
            // parentheses.
            let parent = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            Some((child, parent))
        })
        .collect()
}
