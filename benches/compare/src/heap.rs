//! What maps hold in memory, counted in a process of its own: counting costs each allocation time,
//! which would be seen where time is measured.
//!
//! `compare` starts `heap` from beside itself, and reads lines of `WHO CELLS BYTES`.

use std::{cell::OnceCell, env, process::Command};

use crate::peers::Who;

/// The entries of the maps that are measured.
const SIZE: usize = 100_000;

/// The figures of the other process, asked for once.
#[derive(Default)]
pub(crate) struct Heap(OnceCell<String>);

impl Heap {
    /// Bytes of a library's map of so many entries; `cells` says whether as cells.
    pub(crate) fn of(&self, who: Who, size: usize, cells: bool) -> Option<f64> {
        let lines = self.0.get_or_init(|| asked().unwrap_or_default());
        let start = format!("{} {cells} ", who.name());
        let line = lines.lines().find_map(|line| line.strip_prefix(&start))?;
        line.parse().ok().filter(|_| size == SIZE)
    }
}

fn asked() -> Option<String> {
    let path = env::current_exe().ok()?.with_file_name("heap");
    let path = path.with_extension(env::consts::EXE_EXTENSION);
    let output = Command::new(&path).output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).ok(),
        failed => {
            eprintln!("{}: {failed:?}; build it first", path.display());
            None
        }
    }
}

/// Prints what each library's map holds, where `used` says how many bytes of heap are in use.
pub fn print(used: impl Fn() -> usize) {
    for who in Who::ALL {
        let kinds = [
            (false, who.peer().held(SIZE)),
            (true, who.peer().held_as_cells(SIZE)),
        ];
        for (cells, there) in kinds {
            if there.is_none() {
                continue;
            }
            // What a library keeps once for all its maps (a pool of buffers, say) was made for the
            // first.
            drop(there);
            let before = used();
            let map = match cells {
                true => who.peer().held_as_cells(SIZE),
                false => who.peer().held(SIZE),
            };
            println!("{} {cells} {}", who.name(), used() - before);
            drop(map);
        }
    }
}
