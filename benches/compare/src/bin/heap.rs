//! Counts what maps hold in memory: the other process behind `compare`.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    compare::heap::print(|| HEAP.current_usage());
}
