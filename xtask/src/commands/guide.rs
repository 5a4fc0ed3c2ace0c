//! `guide`: the guide "from zero to your own app", followed command by command.

use anyhow::Result;

use crate::{
    cmd::Cmd,
    guide,
    step::step,
    tools::{Browser, Cache, c_compiler},
    workspace::{E2E, Workspace},
};

/// The arguments of `guide`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Args {
    /// Also runs the blocks that need a tool which is compiled first, such as trunk.
    #[arg(long)]
    all: bool,
}

/// Follows docs/guide/getting-started.md in an empty folder, and opens the app in a browser.
pub(crate) fn run(args: &Args) -> Result<()> {
    c_compiler::require()?;
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let app = guide::follow(&workspace, &cache, args.all)?;
    let browser = Browser::find(&cache)?;
    step("the app in Chromium", || {
        Cmd::cargo()
            .args([
                "test",
                "--package",
                E2E,
                "--test",
                "guide",
                "--",
                "--ignored",
            ])
            .env("GUIDE_APP", app.dir())
            .env("GUIDE_SERVER", app.server(&workspace))
            .envs(browser.env())
            .dir(&workspace.root)
            .run()
    })
}
