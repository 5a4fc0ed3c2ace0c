//! The commands that users and CI run, as `cargo xtask <command>`.
//!
//! Only a Rust toolchain must be installed. A command finds the other tools that it needs on the
//! machine, or installs them into a cache folder: the wasm32 target, `wasm-bindgen`, `wasm-opt`, a
//! browser. Each step prints what it does and how long it took.
//!
//! - [`commands`]: one file per command;
//! - [`tools`]: finds or installs each tool in the fastest way;
//! - [`tidy`]: checks of the code base that the compiler cannot do;
//! - [`dist`]: builds the folder that a browser loads, from the source of an example;
//! - [`guide`]: follows the guide "from zero to your own app";
//! - [`programs`]: builds the page's server and the relay;
//! - [`mutants`]: plants faults that the tests must find;
//! - [`instructions`]: counts the instructions of each benchmark.

mod cmd;
mod commands;
mod dist;
mod guide;
mod instructions;
mod mutants;
mod programs;
mod report;
mod step;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// Builds, tests, measures and runs leptos-sync.
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Tools are kept in $LEPTOS_SYNC_CACHE, by default ~/.cache/leptos-sync."
)]
struct Cli {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    if let Some(duration) = command.duration() {
        eprintln!("{duration}");
    }
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
