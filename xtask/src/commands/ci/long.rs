//! `ci --long`: the checks that take too long for every change.

use anyhow::Result;
use clap::Parser;

use crate::{commands::Command, step::Steps};

/// The commands that follow the checks of every change, as a user types them after `cargo xtask`.
const COMMANDS: [&str; 8] = [
    "test --cases 4096 --seeds 1000 --browsers all --long",
    "guide --all",
    "simulate --seeds 20000",
    "simulate --relay --seeds 2000",
    "torture --kills 100",
    "scale --ids 1000000 --cells 4000000",
    "fuzz --seconds 120",
    "mutants",
];

/// Runs the commands as steps, and continues if one of them fails.
pub(super) fn run_in(steps: &mut Steps) {
    for line in COMMANDS {
        steps.run(line, || parse(line)?.run());
    }
}

/// A line of [`COMMANDS`].
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

fn parse(line: &str) -> Result<Command> {
    Ok(Line::try_parse_from(line.split_whitespace())?.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_command() {
        for line in COMMANDS {
            parse(line).unwrap();
        }
    }
}
