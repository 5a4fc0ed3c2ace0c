//! The commands, one file each.

mod bench;
mod ci;
mod demo;
mod dist;
mod env;
mod fuzz;
mod load;
mod mutants;
mod setup;
mod simulate;
mod size;
mod test;
mod tidy;
mod torture;

use anyhow::Result;

use crate::args::Args;

/// A command that a person can call.
pub(crate) struct Command {
    name: &'static str,
    /// Its name and arguments.
    pub(crate) usage: &'static str,
    about: &'static str,
    /// Runs it.
    pub(crate) run: fn(Args) -> Result<()>,
}

const COMMANDS: [Command; 14] = [
    Command {
        name: "demo",
        usage: "demo [--port N]",
        about: "builds the todo example and its server with a relay, and runs it on 127.0.0.1",
        run: demo::run,
    },
    Command {
        name: "test",
        usage: "test [--cases N] [--seeds N]",
        about: "runs every test: native, in the browser, end to end",
        run: test::run,
    },
    Command {
        name: "ci",
        usage: "ci",
        about: "runs what has to hold before a change is taken: lints, docs, features, tidy, size, instructions, test",
        run: ci::run,
    },
    Command {
        name: "tidy",
        usage: "tidy",
        about: "checks what the compiler cannot: layers, sizes of files and functions, dependencies",
        run: tidy::run,
    },
    Command {
        name: "size",
        usage: "size",
        about: "measures what a browser downloads, against its budget",
        run: size::run,
    },
    Command {
        name: "bench",
        usage: "bench [compare|browser|report|baseline|check] [ARGS...]",
        about: "runs the benchmarks; with `compare [--quick] [--bars|--sizes] [FILTER]` the same work on peers, against the \
                bars; with `browser [--quick]` storage in Chromium, against the alternatives; with `report` makes a page of \
                charts of what was measured; with `baseline` and `check` counts instructions",
        run: bench::run,
    },
    Command {
        name: "simulate",
        usage: "simulate [--hosts] [--seeds N] [--seed N]",
        about: "runs the simulation of replicas, network and relay with many seeds, or with one again; with `--hosts` that of the \
                real router on hosts that crash",
        run: simulate::run,
    },
    Command {
        name: "torture",
        usage: "torture [--kills N] [--writers N]",
        about: "kills the relay's program again and again while many write, and looks for what was acknowledged",
        run: torture::run,
    },
    Command {
        name: "load",
        usage: "load [--seconds N]",
        about: "puts 10,000 connections and a steady load on the relay's program, against its bars",
        run: load::run,
    },
    Command {
        name: "fuzz",
        usage: "fuzz [--seconds N] [TARGET]",
        about: "feeds decoders and sessions bytes that nobody thought of, with the nightly compiler",
        run: fuzz::run,
    },
    Command {
        name: "mutants",
        usage: "mutants [--seeds N] [FILTER]",
        about: "plants faults on purpose and says whether the tests find them",
        run: mutants::run,
    },
    Command {
        name: "dist",
        usage: "dist EXAMPLE",
        about: "builds an example for the browser into target/dist",
        run: dist::run,
    },
    Command {
        name: "env",
        usage: "env",
        about: "prints what a shell needs to build and test for wasm32 with cargo alone",
        run: env::run,
    },
    Command {
        name: "setup",
        usage: "setup",
        about: "gets every tool now; the other commands get what they need by themselves",
        run: setup::run,
    },
];

/// The command of that name.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Prints all commands.
#[expect(clippy::print_stdout, reason = "the list is what was asked for")]
pub(crate) fn help() {
    println!("cargo xtask <command>\n");
    for command in &COMMANDS {
        println!("  {:<30} {}", command.usage, command.about);
    }
    println!("\nTools are kept in $LEPTOS_SYNC_CACHE, by default ~/.cache/leptos-sync.");
}
