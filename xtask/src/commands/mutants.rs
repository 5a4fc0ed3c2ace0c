//! `mutants`: faults that are planted to check the tests.

use anyhow::{Result, ensure};

use crate::{
    mutants::{self, Outcome},
    workspace::Workspace,
};

/// The arguments of `mutants`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Plants only the faults whose name contains this text.
    #[arg(default_value = "", hide_default_value = true)]
    filter: String,
    /// The number of seeds with which a simulation searches for a fault.
    #[arg(long, value_name = "N", default_value_t = 300)]
    seeds: u64,
}

/// Plants the faults one after the other, and prints a table of those that the tests found.
///
/// # Errors
///
/// If the tests did not find a fault, or fail without it.
#[expect(clippy::print_stdout, reason = "the table is the result")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let planted = mutants::plant(&Workspace::load()?, &args.filter, args.seeds)?;
    println!("| Fault | Tests | Found |\n|---|---|---|");
    for fault in &planted {
        let found = fault.outcome.text();
        println!("| {} | {} | {found} |", fault.name, fault.test);
    }
    let others = planted
        .iter()
        .filter(|fault| fault.outcome != Outcome::Found);
    let missed = others.count();
    ensure!(missed == 0, "{missed} faults were not found");
    Ok(())
}
