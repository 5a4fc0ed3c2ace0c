//! Prints the comparison with the peers; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    compare::run(std::env::args().skip(1))
}
