//! `dist`: the folder with the built page of one example.

use anyhow::Result;

use crate::{
    dist::{self, Optimize},
    tools::Cache,
    workspace::Workspace,
};

/// The arguments of `dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The example, by the name of its package.
    example: String,
}

/// Builds the example and prints its folder.
#[expect(clippy::print_stdout, reason = "the folder is the result")]
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let dist = dist::build(
        &workspace,
        &Cache::open()?,
        &args.example,
        Optimize::IfPossible,
    )?;
    println!("{}", dist.display());
    Ok(())
}
