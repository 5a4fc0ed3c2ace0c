//! The wasm32 target.

use std::{ffi::OsString, fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{Cache, debian::DebianRust};
use crate::{
    cmd::{Cmd, on_path},
    step::step,
    workspace::Workspace,
};

/// The target's name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The backend of getrandom 0.3, which a dependency may use. Later versions ignore the flag.
const RUSTFLAGS: &str = "--cfg getrandom_backend=\"wasm_js\"";

/// A compiler for wasm32 and its target folder. It does not share the folder with the native
/// compiler, because two compilers that share a folder rebuild each other's output.
#[derive(Debug)]
pub(crate) struct Wasm {
    target_dir: PathBuf,
    debian: Option<DebianRust>,
}

impl Wasm {
    /// Finds the target in the toolchain. Otherwise installs it with rustup, or builds its standard
    /// library with Debian's compiler.
    ///
    /// # Errors
    ///
    /// If none of the three works. The message says what to install.
    pub(crate) fn find(cache: &Cache, workspace: &Workspace) -> Result<Self> {
        let target_dir = workspace.target.join("wasm");
        if toolchain_has_it() {
            return Ok(Self {
                target_dir,
                debian: None,
            });
        }
        // If rustup has failed once, further commands do not try it again.
        let cached = DebianRust::cached(cache);
        if cached.is_none() && rustup_gets_it(cache)? {
            return Ok(Self {
                target_dir,
                debian: None,
            });
        }
        let debian = cached.map_or_else(|| DebianRust::install(cache), Ok).context(
            "the wasm32 target is missing: install it with `rustup target add wasm32-unknown-unknown`",
        )?;
        Ok(Self {
            target_dir,
            debian: Some(debian),
        })
    }

    /// Returns the folder of cargo's output for the target in a profile.
    pub(crate) fn output(&self, profile: &str) -> PathBuf {
        self.target_dir.join(TARGET).join(profile)
    }

    /// Returns the variables with which cargo builds with this compiler.
    pub(crate) fn env(&self) -> Vec<(&'static str, OsString)> {
        let mut env = vec![
            ("CARGO_TARGET_DIR", self.target_dir.clone().into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                RUSTFLAGS.into(),
            ),
        ];
        if let Some(debian) = &self.debian {
            env.extend(debian.env());
        }
        env
    }

    /// Creates a command for `cargo <subcommand> --target wasm32-unknown-unknown`.
    pub(crate) fn cargo(&self, subcommand: &str) -> Cmd {
        Cmd::cargo()
            .args([subcommand, "--target", TARGET])
            .envs(self.env())
            // The variable would replace the target's flags instead of extending them.
            .without_env("RUSTFLAGS")
            .without_env("CARGO_ENCODED_RUSTFLAGS")
    }

    /// Creates a command for `cargo clippy` with warnings denied. The packages follow.
    pub(crate) fn clippy(&self) -> Cmd {
        match &self.debian {
            None => self.cargo("clippy"),
            // The clippy of the toolchain cannot read the library of another compiler.
            Some(debian) => self.cargo("check").envs(debian.clippy_env()),
        }
    }

    /// Returns the end of a `clippy` command line that denies warnings.
    pub(crate) fn deny_warnings(&self) -> &'static [&'static str] {
        // With Debian's compiler, `DebianRust::clippy_env` denies them.
        if self.debian.is_none() {
            &["--", "-D", "warnings"]
        } else {
            &[]
        }
    }
}

fn toolchain_has_it() -> bool {
    let Ok(dir) = Cmd::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .read()
    else {
        return false;
    };
    let is_std = |name: OsString| {
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    };
    fs::read_dir(dir).is_ok_and(|files| files.flatten().any(|file| is_std(file.file_name())))
}

fn rustup_gets_it(cache: &Cache) -> Result<bool> {
    if on_path("rustup").is_none() {
        return Ok(false);
    }
    let _lock = cache.lock()?;
    if toolchain_has_it() {
        return Ok(true);
    }
    let add = || {
        Cmd::new("rustup")
            .args(["target", "add", TARGET])
            .run_quietly()
    };
    Ok(step("wasm32 target from rustup", add).is_ok() && toolchain_has_it())
}
