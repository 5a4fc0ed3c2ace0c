//! The memory of maps, measured in a separate process, since counting allocations would affect the
//! measured times.
//!
//! `compare` starts `heap` from its own folder, and reads lines of `WHO CELLS BYTES`.

use std::{cell::OnceCell, env, process::Command};

use crate::peers::Who;

/// The number of entries in the measured maps.
const SIZE: usize = 100_000;

/// The measurements of the other process, which is started once.
#[derive(Default)]
pub(crate) struct Heap(OnceCell<String>);

impl Heap {
    /// Returns the bytes of a library's map with this many entries. `cells` selects its map of
    /// cells.
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

/// Prints the memory of each library's map. `used` returns the heap bytes in use.
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
            // The first map also created the structures that the library shares between all its
            // maps, such as a pool of buffers.
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
