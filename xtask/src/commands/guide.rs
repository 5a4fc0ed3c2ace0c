//! `guide`: the guide "from zero to your own app", followed command by command.

use anyhow::Result;

use crate::{
    cmd::Cmd,
    guide::{self, Way},
    step::step,
    tools::{Browser, Cache, c_compiler},
    workspace::{E2E, Workspace},
};

/// The arguments of `guide`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Args {
    /// Also runs what needs trunk or cargo-leptos, which are compiled first.
    #[arg(long)]
    all: bool,
}

/// Follows docs/guide/getting-started.md in an empty folder for each way, and opens the apps that
/// it built in a browser.
pub(crate) fn run(args: &Args) -> Result<()> {
    c_compiler::require()?;
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    for way in Way::ALL {
        let app = guide::follow(&workspace, &cache, way, args.all)?;
        let Some(server) = app.server() else {
            continue;
        };
        let browser = Browser::find(&cache)?;
        step("the app in Chromium", || {
            Cmd::cargo()
                .args(["test", "--package", E2E, "--test", "guide"])
                .args(["--", "--ignored"])
                .env("GUIDE_APP", app.dir())
                .env("GUIDE_SERVER", server)
                .envs(app.env(&workspace))
                .envs(browser.env())
                .dir(&workspace.root)
                .run()
        })?;
    }
    Ok(())
}
