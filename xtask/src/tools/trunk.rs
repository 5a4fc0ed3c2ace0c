//! `trunk`, which users build pages with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Cache, cache::remove};
use crate::cmd::{Cmd, on_path};

/// The version that is installed where there is none.
const VERSION: &str = "0.21.14";

/// The program.
#[derive(Debug)]
pub(crate) struct Trunk(PathBuf);

impl Trunk {
    /// Finds it in `PATH`, else in the cache. Builds it if the cache has none, which takes 13
    /// minutes on one core.
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
                // Away from the workspace, whose settings are not meant for it.
                .dir(dir)
                .env("CARGO_TARGET_DIR", &build)
                .run_quietly()
                .context("get it with `cargo install trunk --locked`")?;
            remove(&build)
        })?;
        Ok(Self(entry.join("bin/trunk")))
    }

    /// Its folder.
    pub(crate) fn bin(&self) -> Option<PathBuf> {
        Some(self.0.parent()?.to_owned())
    }
}
