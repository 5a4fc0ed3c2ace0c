//! All benchmarks, at sizes from 1 to 100,000.
//!
//! Under `cargo bench`, Criterion measures their time. `works --counted ID` runs one of them once
//! in [`counted::measured`], for a profiler that counts instructions there. `works --counted` lists
//! them.

mod collections;
mod counted;
mod counters;
mod decode;
mod deltas;
mod documents;
mod encode;
mod group;
mod maps;
mod pools;
mod registers;
mod sets;

use group::Harness;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut harness = match arguments.as_slice() {
        [mode] if mode == "--counted" => Harness::Listed,
        [mode, id] if mode == "--counted" => Harness::Counted(id.clone()),
        _ => Harness::timed(),
    };
    registers::run(&mut harness);
    maps::run(&mut harness);
    pools::run(&mut harness);
    counters::run(&mut harness);
    sets::run(&mut harness);
    documents::run(&mut harness);
    deltas::run(&mut harness);
    encode::run(&mut harness);
    decode::run(&mut harness);
    collections::run(&mut harness);
    harness.finish();
}
