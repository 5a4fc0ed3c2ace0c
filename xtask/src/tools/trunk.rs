//! `trunk`, with which users build pages.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Cache, cache::remove};
use crate::cmd::{Cmd, on_path};

/// The version that is installed if there is none.
const VERSION: &str = "0.21.14";

/// The program.
#[derive(Debug)]
pub(crate) struct Trunk(PathBuf);

impl Trunk {
    /// Finds the program in `PATH`, otherwise in the cache. Builds it if the cache has none, which
    /// takes 13 minutes on one core.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        if let Some(program) = on_path("trunk") {
            return Ok(Self(program));
        }
        let entry = cache.entry(&format!("trunk-{VERSION}"), |dir| {
            let build = dir.join("build");
            Cmd::cargo()
                .args(["install", "trunk", "--locked", "--version", VERSION])
                .arg("--root")
                .arg(dir)
                // Build outside the workspace, whose settings do not apply.
                .dir(dir)
                .env("CARGO_TARGET_DIR", &build)
                .run_quietly()
                .context("get it with `cargo install trunk --locked`")?;
            remove(&build)
        })?;
        Ok(Self(entry.join("bin/trunk")))
    }

    /// Returns the folder of the program.
    pub(crate) fn bin(&self) -> Option<PathBuf> {
        Some(self.0.parent()?.to_owned())
    }
}
