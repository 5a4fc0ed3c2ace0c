//! `dist`: one example's folder.

use anyhow::Result;

use crate::{
    args::{Args, Usage},
    dist::{self, Optimize},
    tools::Cache,
    workspace::Workspace,
};

/// Builds the example and prints the folder.
#[expect(clippy::print_stdout, reason = "the folder is what was asked for")]
pub(crate) fn run(mut args: Args) -> Result<()> {
    let Some(name) = args.word() else {
        return Err(Usage("which example?".to_owned()).into());
    };
    args.finish()?;
    let workspace = Workspace::load()?;
    let dist = dist::build(&workspace, &Cache::open()?, &name, Optimize::IfPossible)?;
    println!("{}", dist.display());
    Ok(())
}
