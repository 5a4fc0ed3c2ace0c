//! The guide "from zero to your own app", followed block by block.

mod blocks;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    cmd::Cmd,
    dist::{self, Optimize},
    step::step,
    tools::{Bindgen, Cache, Trunk, Wasm, WasmOpt},
    workspace::{Package, Workspace},
};

use self::blocks::Block;

/// The page of the guide.
const PAGE: &str = "docs/guide/getting-started.md";

/// The prefix of this workspace's crates. A line that adds one of them is changed to use its path.
const OWN: &str = "leptos-sync-";

/// An app that was made by following the guide. Dropping it removes its folder.
#[derive(Debug)]
pub(crate) struct App {
    home: TempDir,
    /// The working directory of the guide's commands.
    dir: PathBuf,
}

/// Follows the guide in an empty folder. Runs the blocks that need trunk only if `trunk` is true.
///
/// # Errors
///
/// If a block fails. The message contains its commands.
pub(crate) fn follow(workspace: &Workspace, cache: &Cache, trunk: bool) -> Result<App> {
    let page = fs::read_to_string(workspace.root.join(PAGE)).context(PAGE)?;
    let home = tempfile::Builder::new()
        .prefix("leptos-sync-guide-")
        .tempdir()?;
    let dir = home.path().to_owned();
    let mut app = App { home, dir };
    for block in blocks::parse(&page).context(PAGE)? {
        match block {
            Block::Run(script) => step(script.trim(), || app.run(&script, workspace))?,
            Block::Write { file, append, text } => app.write(&file, append, &text)?,
            Block::Trunk(script) if trunk => {
                step(script.trim(), || app.with_trunk(&script, workspace, cache))?
            }
            Block::Trunk(_) => app.without_trunk(workspace, cache)?,
            Block::Serve => step("building the server", || app.build_server(workspace))?,
        }
    }
    Ok(app)
}

impl App {
    /// Returns the app's folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of the server's program.
    pub(crate) fn server(&self, workspace: &Workspace) -> PathBuf {
        let file = format!("server{}", std::env::consts::EXE_SUFFIX);
        workspace.target.join("debug").join(file)
    }

    /// Runs a script, and makes the folder in which it ends the working directory.
    fn run(&mut self, script: &str, workspace: &Workspace) -> Result<()> {
        let ended_in = self.home.path().join(".pwd");
        let script = script
            .lines()
            .map(|line| by_path(line, &workspace.root))
            .collect::<Vec<_>>()
            .join("\n");
        self.shell(&format!("{script}\npwd > '{}'", ended_in.display()))
            .run_quietly()?;
        self.dir = fs::read_to_string(ended_in)?.trim().into();
        Ok(())
    }

    /// Copies this workspace's lock file to the app, so that cargo does not compile dependencies
    /// again.
    fn keep_versions(&self, workspace: &Workspace) -> Result<()> {
        let lock = workspace.root.join("Cargo.lock");
        fs::copy(lock, self.dir.join("Cargo.lock"))?;
        Ok(())
    }

    fn write(&self, file: &str, append: bool, text: &str) -> Result<()> {
        let path = self.dir.join(file);
        let before = match append {
            true => fs::read_to_string(&path).with_context(|| file.to_owned())?,
            false => String::new(),
        };
        fs::write(&path, before + text).with_context(|| file.to_owned())
    }

    /// Builds the page with trunk, which finds its tools in `PATH`.
    fn with_trunk(&self, script: &str, workspace: &Workspace, cache: &Cache) -> Result<()> {
        self.keep_versions(workspace)?;
        let bins = [
            Trunk::find(cache)?.bin(),
            Some(Bindgen::find(cache, workspace)?.bin),
            WasmOpt::find(cache)?.bin(),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = bins
            .into_iter()
            .flatten()
            .chain(std::env::split_paths(&path));
        let wasm = Wasm::find(cache, workspace)?;
        self.shell(script)
            .envs(wasm.env())
            .env("PATH", std::env::join_paths(path)?)
            .run()
    }

    /// Builds the page with the same steps as trunk.
    fn without_trunk(&self, workspace: &Workspace, cache: &Cache) -> Result<()> {
        self.keep_versions(workspace)?;
        let name = self.dir.file_name().unwrap_or_default();
        let package = Package {
            name: name.to_string_lossy().into_owned(),
            dir: self.dir.clone(),
            features: Vec::new(),
        };
        let built = dist::build_page(workspace, cache, &package, Optimize::IfPossible)?;
        let dist = self.dir.join("dist");
        fs::create_dir_all(&dist)?;
        for file in fs::read_dir(built)?.flatten() {
            fs::copy(file.path(), dist.join(file.file_name()))?;
        }
        Ok(())
    }

    fn build_server(&self, workspace: &Workspace) -> Result<()> {
        self.keep_versions(workspace)?;
        Cmd::cargo()
            .args(["build", "--package", "server"])
            // Use the settings of this workspace, with which the dependencies are already compiled.
            .args(["--config", "profile.dev.debug='line-tables-only'"])
            .args(["--config", "profile.dev.package.'*'.debug=false"])
            .env("CARGO_TARGET_DIR", &workspace.target)
            .dir(&self.dir)
            .run()
    }

    /// Returns a shell in the app's folder that stops at the first command that fails.
    fn shell(&self, script: &str) -> Cmd {
        Cmd::new("sh").args(["-euc", script]).dir(&self.dir)
    }
}

/// Returns a line of the guide. If the line adds a crate of this workspace, the result adds it by
/// its path.
fn by_path(line: &str, root: &Path) -> String {
    let own = line.split_whitespace().find(|word| word.starts_with(OWN));
    match own.filter(|_| line.starts_with("cargo add ")) {
        Some(name) => format!("{line} --path '{}'", root.join(name).display()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_this_workspace_are_taken_by_path() {
        let root = Path::new("/here");
        let line = by_path("cargo add --package server leptos-sync-server", root);
        let expected =
            "cargo add --package server leptos-sync-server --path '/here/leptos-sync-server'";
        assert_eq!(line, expected);
        assert_eq!(
            by_path("cargo add leptos@0.8", root),
            "cargo add leptos@0.8"
        );
    }

    #[test]
    fn the_guides_service_worker_is_the_tested_one() {
        let root = Workspace::load().unwrap().root;
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let blocks = blocks::parse(&read(PAGE)).unwrap();
        let worker = blocks.iter().find_map(|block| match block {
            Block::Write { file, text, .. } if file == "service-worker.js" => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(worker.unwrap(), read("examples/todo/service-worker.js"));
    }
}
