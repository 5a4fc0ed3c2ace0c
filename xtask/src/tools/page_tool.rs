//! The programs with which users build pages.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Cache, cache::remove};
use crate::cmd::{Cmd, on_path};

/// A program that users install with cargo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageTool {
    name: &'static str,
    /// The version that is installed if there is none.
    version: &'static str,
}

/// `trunk`, which takes 13 minutes to compile on one core.
pub(crate) const TRUNK: PageTool = PageTool {
    name: "trunk",
    version: "0.21.14",
};

/// `cargo leptos`, which takes half an hour to compile on one core.
pub(crate) const CARGO_LEPTOS: PageTool = PageTool {
    name: "cargo-leptos",
    // Later versions need Rust 1.96.
    version: "0.3.10",
};

impl PageTool {
    /// Finds the program in `PATH` or else in the cache, and returns its folder. Builds it if the
    /// cache has none.
    pub(crate) fn bin(self, cache: &Cache) -> Result<PathBuf> {
        let Self { name, version } = self;
        if let Some(program) = on_path(name) {
            let bin = program.parent().context("a program has a folder")?;
            return Ok(bin.to_owned());
        }
        let entry = cache.entry(&format!("{name}-{version}"), |dir| {
            let build = dir.join("build");
            Cmd::cargo()
                .args(["install", name, "--locked", "--version", version])
                .arg("--root")
                .arg(dir)
                // Away from the workspace, whose settings are not meant for it.
                .dir(dir)
                .env("CARGO_TARGET_DIR", &build)
                .run_quietly()
                .with_context(|| format!("get it with `cargo install {name} --locked`"))?;
            remove(&build)
        })?;
        Ok(entry.join("bin"))
    }
}
