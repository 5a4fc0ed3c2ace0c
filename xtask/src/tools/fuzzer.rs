//! `cargo-fuzz`, and the nightly compiler that it needs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Cache, cache::remove};
use crate::cmd::{Cmd, on_path};

/// The version that is installed if there is none.
const VERSION: &str = "0.13.2";

/// The program `cargo-fuzz`.
#[derive(Debug)]
pub(crate) struct Fuzzer(PathBuf);

impl Fuzzer {
    /// Finds the program in `PATH` or in the cache, otherwise builds it into the cache.
    ///
    /// # Errors
    ///
    /// If there is no nightly compiler. The message says how to install one.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        let nightly = Cmd::new("rustc").args(["+nightly", "--version"]).read();
        if nightly.is_err() {
            bail!("fuzzing needs the nightly compiler: `rustup toolchain install nightly`");
        }
        if let Some(program) = on_path("cargo-fuzz") {
            return Ok(Self(program));
        }
        let entry = cache.entry(&format!("cargo-fuzz-{VERSION}"), |dir| {
            let build = dir.join("build");
            Cmd::cargo()
                .args(["install", "cargo-fuzz", "--version", VERSION, "--root"])
                .arg(dir)
                .dir(dir)
                .env("CARGO_TARGET_DIR", &build)
                .run_quietly()
                .context("get it with `cargo install cargo-fuzz`")?;
            remove(&build)
        })?;
        Ok(Self(entry.join("bin/cargo-fuzz")))
    }

    /// Creates a command for `cargo fuzz` with the nightly compiler.
    pub(crate) fn cmd(&self) -> Cmd {
        Cmd::new(&self.0)
            .arg("fuzz")
            .env("RUSTUP_TOOLCHAIN", "nightly")
            // The variable names the cargo of another compiler.
            .without_env("CARGO")
    }
}
