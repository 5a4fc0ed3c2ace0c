//! `wasm-opt`, which takes almost half off a wasm file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Cache;
use crate::cmd::{Cmd, on_path};

/// Older ones write files that browsers refuse ("unknown type form").
const OLDEST: u32 = 116;

/// The npm package's version, pinned so that sizes are the same everywhere.
const BINARYEN: &str = "132.0.0";

/// What rustc's output uses, by name: `--all-features` would turn on proposals that browsers refuse.
const FLAGS: [&str; 10] = [
    // Not `-Oz`, which is smaller before it is compressed and larger after.
    "-Os",
    // Again while it finds something.
    "--converge",
    // What has one caller is inlined where it is short: more of that makes functions less alike, which costs gzip more.
    "--one-caller-inline-max-function-size=30",
    // The lowest kilobyte is the end of the stack: whoever gets there is about to overflow it.
    "--low-memory-unused",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// A `wasm-opt` that is new enough.
#[derive(Debug)]
pub(crate) enum WasmOpt {
    /// A program of its own.
    Native(PathBuf),
    /// A script for node.
    Node {
        /// The node that runs it.
        node: PathBuf,
        /// The script.
        script: PathBuf,
    },
}

impl WasmOpt {
    /// Takes it from `PATH` when it is new enough, else from npm into the cache.
    ///
    /// # Errors
    ///
    /// There is neither; the message says what to install.
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

    /// Writes the optimised `from` to `to`.
    pub(crate) fn optimize(&self, from: &Path, to: &Path) -> Result<()> {
        let cmd = match self {
            Self::Native(program) => Cmd::new(program),
            Self::Node { node, script } => Cmd::new(node).arg(script),
        };
        cmd.args(FLAGS).arg(from).arg("-o").arg(to).run_quietly()
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

/// `wasm-opt version 132 (version_132)`.
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
        assert!(is_new_enough("wasm-opt version 116"));
        assert!(!is_new_enough("wasm-opt version 108"));
        assert!(!is_new_enough("wasm-opt: command not found"));
        assert!(!is_new_enough(""));
    }
}
