//! `wasm-opt`, which takes almost half off a wasm file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Cache;
use crate::{
    cmd::{Cmd, on_path},
    names::Renamed,
};

/// Older ones make other sizes or print what they renamed otherwise; much older ones write files that browsers refuse.
const OLDEST: u32 = 132;

/// The npm package's version, pinned so that sizes are the same everywhere.
const BINARYEN: &str = "132.0.0";

/// What rustc's output uses, by name: `--all-features` would turn on proposals that browsers refuse.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Shortens the names of imports and exports, and prints them.
const SHORTEN: &str = "--minify-imports-and-exports-and-modules";

const OPTIMIZE: [&str; 4] = [
    // Not `-Oz`, which is smaller before it is compressed and larger after.
    "-Os",
    // Again while it finds something.
    "--converge",
    // What has one caller is inlined where it is short: more of that makes functions less alike, which costs gzip more.
    "--one-caller-inline-max-function-size=30",
    // The lowest kilobyte is the end of the stack: whoever gets there is about to overflow it.
    "--low-memory-unused",
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

    /// Optimises a file in its place, and returns the names that its JavaScript has to say now.
    pub(crate) fn optimize(&self, wasm: &Path) -> Result<Renamed> {
        // By itself, since what converges goes over the names again and again, and prints each time.
        let renamed = Renamed::parse(&self.rewrite(wasm, &[SHORTEN])?)?;
        self.rewrite(wasm, &OPTIMIZE)?;
        Ok(renamed)
    }

    fn rewrite(&self, wasm: &Path, passes: &[&str]) -> Result<String> {
        let cmd = match self {
            Self::Native(program) => Cmd::new(program),
            Self::Node { node, script } => Cmd::new(node).arg(script),
        };
        let cmd = cmd.args(FEATURES).args(passes);
        cmd.arg(wasm).arg("-o").arg(wasm).read()
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
        assert!(is_new_enough("wasm-opt version 140"));
        assert!(!is_new_enough("wasm-opt version 131"));
        assert!(!is_new_enough("wasm-opt: command not found"));
        assert!(!is_new_enough(""));
    }
}
