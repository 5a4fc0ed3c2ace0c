//! Every command that a person or CI runs, as `cargo xtask <command>`.
//!
//! A Rust toolchain is all that has to be there: whatever else a command needs (the wasm32 target, `wasm-bindgen`,
//! `wasm-opt`, a browser) it finds on the machine or puts into a cache folder by itself. Each step says what it does
//! and how long that took.
//!
//! - [`commands`]: one file a command;
//! - [`tools`]: how each tool is found or installed, the shortest way first;
//! - [`tidy`]: what the compiler cannot check about the code base;
//! - [`dist`]: from an example's source to the folder a browser loads;
//! - [`programs`]: the page's server and the relay, built;
//! - [`mutants`]: faults that the tests have to find;
//! - [`instructions`]: what each benchmark costs, in figures that repeat.

mod args;
mod cmd;
mod commands;
mod dist;
mod instructions;
mod mutants;
mod names;
mod programs;
mod report;
mod step;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(name) = words.next() else {
        commands::help();
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        commands::help();
        return ExitCode::SUCCESS;
    }
    let Some(command) = commands::find(&name) else {
        eprintln!("error: there is no command `{name}`; `cargo xtask help` lists all of them");
        return ExitCode::from(2);
    };
    match (command.run)(args::Args::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<args::Usage>() => {
            eprintln!("error: {error}\nusage: cargo xtask {}", command.usage);
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
