//! Prints the heap bytes per entry of a map with 100,000 entries, written in one batch, including
//! keys and values.

use leptos_sync_benches::{
    entries,
    ours::{self, Map},
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const COUNT: usize = 100_000;

#[expect(clippy::print_stdout, reason = "what this program is for")]
fn main() {
    // The strings belong to the map, so count them, but not the list that held them.
    let list = COUNT * size_of::<(String, String)>();
    let before = HEAP.current_usage();
    let entries = entries(COUNT);
    let text = HEAP.current_usage() - before - list;
    let mut map = Map::new();
    map.insert_batch(entries, ours::stamp(0, 1));
    let held = HEAP.current_usage() - before;
    println!(
        "{:.1} heap bytes an entry, {:.1} of them text",
        held as f64 / COUNT as f64,
        text as f64 / COUNT as f64
    );
    drop(map);
}
