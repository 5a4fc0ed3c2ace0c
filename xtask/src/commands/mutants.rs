//! `mutants`: whether the tests find faults that are planted on purpose.

use anyhow::{Result, ensure};

use crate::{args::Args, mutants, workspace::Workspace};

/// Seeds of a simulation that has to find a fault, unless the command says otherwise.
const SEEDS: u64 = 300;

/// Plants faults, one after the other, and prints which were found. Fails where one was not.
#[expect(clippy::print_stdout, reason = "the table is what was asked for")]
pub(crate) fn run(mut args: Args) -> Result<()> {
    let seeds = args.option("--seeds")?.unwrap_or(SEEDS);
    let filter = args.word().unwrap_or_default();
    args.finish()?;
    let planted = mutants::plant(&Workspace::load()?, &filter, seeds)?;
    println!("| Fault | Tests | Found |\n|---|---|---|");
    for fault in &planted {
        let found = if fault.found { "yes" } else { "**no**" };
        println!("| {} | {} | {found} |", fault.name, fault.test);
    }
    let missed = planted.iter().filter(|fault| !fault.found).count();
    ensure!(missed == 0, "{missed} faults were not found");
    Ok(())
}
