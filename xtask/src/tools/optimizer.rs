//! `wasm-opt`, which halves a wasm file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Cache;
use crate::cmd::{Cmd, on_path};

/// The oldest accepted version. Older ones produce other sizes, and much older ones write files
/// that browsers reject.
const OLDEST: u32 = 132;

/// The version of the npm package. It is pinned, so that sizes are the same everywhere.
const BINARYEN: &str = "132.0.0";

/// A `wasm-opt` that is new enough.
#[derive(Debug)]
pub(crate) enum WasmOpt {
    /// A native program.
    Native(PathBuf),
    /// A script for node.
    Node {
        /// The node program that runs the script.
        node: PathBuf,
        /// The script.
        script: PathBuf,
    },
}

impl WasmOpt {
    /// Finds the program in `PATH` if it is new enough, otherwise in the cache. Installs it into
    /// the cache with npm if needed.
    ///
    /// # Errors
    ///
    /// If there is no npm either. The message says what to install.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        if let Some(program) = on_path("wasm-opt")
            && is_new_enough(
                &Cmd::new(&program)
                    .arg("--version")
                    .read()
                    .unwrap_or_default(),
            )
        {
            return Ok(Self::Native(program));
        }
        let (Some(node), Some(npm)) = (on_path("node"), on_path("npm")) else {
            bail!("install Node.js with npm, or binaryen {OLDEST} or later, for `wasm-opt`");
        };
        let entry = cache.entry(&format!("binaryen-{BINARYEN}"), |dir| install(&npm, dir))?;
        let script = entry.join("node_modules/binaryen/bin/wasm-opt");
        Ok(Self::Node { node, script })
    }

    /// Optimizes a file in place, with `-O<level>` and further parameters.
    pub(crate) fn optimize(&self, wasm: &Path, level: &str, params: &[&str]) -> Result<()> {
        let cmd = match self {
            Self::Native(program) => Cmd::new(program),
            Self::Node { node, script } => Cmd::new(node).arg(script),
        };
        cmd.arg(format!("-O{level}"))
            .args(params)
            .arg(wasm)
            .arg("-o")
            .arg(wasm)
            .run_quietly()
    }

    /// Returns the folder with a `wasm-opt` for trunk, which looks for it in `PATH`.
    pub(crate) fn bin(&self) -> Option<PathBuf> {
        match self {
            Self::Native(program) => program.parent().map(Path::to_owned),
            // npm creates a link to the script there.
            Self::Node { script, .. } => Some(script.ancestors().nth(3)?.join(".bin")),
        }
    }
}

fn install(npm: &Path, dir: &Path) -> Result<()> {
    Cmd::new(npm)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(dir)
        .arg(format!("binaryen@{BINARYEN}"))
        .dir(dir)
        .run_quietly()
        .with_context(|| format!("or install binaryen {OLDEST} or later for `wasm-opt`"))
}

/// Returns whether a version is new enough, such as `wasm-opt version 132 (version_132)`.
fn is_new_enough(said: &str) -> bool {
    let number = |word: &str| word.parse::<u32>().ok();
    said.split_whitespace()
        .find_map(number)
        .is_some_and(|version| version >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_or_unknown_wasm_opt_is_not_used() {
        assert!(is_new_enough("wasm-opt version 132 (version_132)"));
        assert!(is_new_enough("wasm-opt version 140"));
        assert!(!is_new_enough("wasm-opt version 131"));
        assert!(!is_new_enough("wasm-opt: command not found"));
        assert!(!is_new_enough(""));
    }
}
