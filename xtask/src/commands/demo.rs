//! `demo`: the todo example in a browser.

use anyhow::Result;

use crate::{
    args::Args,
    dist::{self, Optimize},
    serve::Site,
    tools::Cache,
    workspace::Workspace,
};

const PORT: u16 = 8080;

/// Builds the example, then serves it until the program is stopped.
#[expect(clippy::print_stdout, reason = "the address is what was asked for")]
pub(crate) fn run(mut args: Args) -> Result<()> {
    let port = args.option("--port")?;
    args.finish()?;
    let workspace = Workspace::load()?;
    let dist = dist::build(&workspace, &Cache::open()?, "todo", Optimize::IfPossible)?;
    let site = Site::open(&dist, port, PORT)?;
    if let Some(address) = site.address() {
        println!("http://{address}/ (Ctrl-C stops it)");
    }
    site.serve();
    Ok(())
}
