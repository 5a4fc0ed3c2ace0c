//! Measures the memory of maps, as a separate process for `compare`.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    compare::heap::print(|| HEAP.current_usage());
}
