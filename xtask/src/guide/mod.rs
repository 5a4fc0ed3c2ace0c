//! The guide "from zero to your own app", followed block by block.

mod blocks;
mod by_path;
mod way;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    cmd::Cmd,
    dist::{self, Optimize},
    step::step,
    tools::{Bindgen, Cache, Wasm, WasmOpt},
    workspace::{Package, Workspace},
};

use self::blocks::Block;
pub(crate) use self::way::Way;

/// The page of the guide.
const PAGE: &str = "docs/guide/getting-started.md";

/// The settings of this workspace, with which the dependencies are already compiled.
const SETTINGS: [&str; 4] = [
    "--config",
    "profile.dev.debug='line-tables-only'",
    "--config",
    "profile.dev.package.'*'.debug=false",
];

/// An app that was made by following the guide. Dropping it removes its folder.
#[derive(Debug)]
pub(crate) struct App {
    home: TempDir,
    /// The working directory of the guide's commands.
    dir: PathBuf,
    way: Way,
    /// The program of its server, once it is built.
    server: Option<PathBuf>,
}

/// Follows one way of the guide in an empty folder. Runs the blocks that need the way's tool only
/// if `tools` is true.
///
/// # Errors
///
/// If a block fails. The message contains its commands.
pub(crate) fn follow(workspace: &Workspace, cache: &Cache, way: Way, tools: bool) -> Result<App> {
    let page = fs::read_to_string(workspace.root.join(PAGE)).context(PAGE)?;
    let home = tempfile::Builder::new()
        .prefix("leptos-sync-guide-")
        .tempdir()?;
    let mut app = App {
        dir: home.path().to_owned(),
        home,
        way,
        server: None,
    };
    for block in blocks::parse(&page, &way.others()).context(PAGE)? {
        match (block, way) {
            (Block::Run(script), _) => step(script.trim(), || app.run(&script, workspace))?,
            (Block::Write { file, append, text }, _) => {
                app.write(
                    &file,
                    append,
                    &by_path::manifest(&file, text, &workspace.root),
                )?;
            }
            (Block::Tool(script), _) if tools => {
                step(script.trim(), || app.with_tool(&script, workspace, cache))?;
            }
            (Block::Tool(_), Way::Trunk) => app.without_trunk(workspace, cache)?,
            (Block::Tool(_), Way::CargoLeptos) => app.check_halves(workspace, cache)?,
            (Block::Serve, Way::Trunk) => {
                step("building the server", || app.build_server(workspace))?;
            }
            // The tool has built it.
            (Block::Serve, Way::CargoLeptos) => {}
        }
    }
    Ok(app)
}

impl App {
    /// Returns the app's folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of the server's program, if it was built.
    pub(crate) fn server(&self) -> Option<&Path> {
        self.server.as_deref()
    }

    /// Returns the variables for the server. That of trunk's app reads none.
    pub(crate) fn env(&self, workspace: &Workspace) -> [(&'static str, OsString); 2] {
        let site = own_target(workspace).join("site");
        [
            ("LEPTOS_HASH_FILES", "true".into()),
            // The tool puts the site beside the programs that it builds.
            ("LEPTOS_SITE_ROOT", site.into()),
        ]
    }

    /// Runs a script, and makes the folder in which it ends the working directory.
    fn run(&mut self, script: &str, workspace: &Workspace) -> Result<()> {
        let ended_in = self.home.path().join(".pwd");
        let script = by_path::script(script, &workspace.root);
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
        fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
        fs::write(&path, before + text).with_context(|| file.to_owned())
    }

    /// Builds the page with the way's tool, which finds the programs that it needs in `PATH`.
    fn with_tool(&mut self, script: &str, workspace: &Workspace, cache: &Cache) -> Result<()> {
        self.keep_versions(workspace)?;
        let bins = [
            Some(self.way.tool().bin(cache)?),
            Some(Bindgen::find(cache, workspace)?.bin),
            WasmOpt::find(cache)?.bin(),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = bins
            .into_iter()
            .flatten()
            .chain(std::env::split_paths(&path));
        let wasm = Wasm::find(cache, workspace)?;
        let mut cmd = self
            .shell(script)
            .envs(wasm.env())
            .env("PATH", std::env::join_paths(path)?);
        if self.way == Way::CargoLeptos {
            // It builds the server, too, whose dependencies no other build shares.
            let target = own_target(workspace);
            cmd = cmd.env("CARGO_TARGET_DIR", &target);
            self.server = Some(target.join("release").join(program("notes")));
        }
        cmd.run()
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

    fn build_server(&mut self, workspace: &Workspace) -> Result<()> {
        self.keep_versions(workspace)?;
        Cmd::cargo()
            .args(["build", "--package", "server"])
            .args(SETTINGS)
            .env("CARGO_TARGET_DIR", &workspace.target)
            .dir(&self.dir)
            .run()?;
        self.server = Some(workspace.target.join("debug").join(program("server")));
        Ok(())
    }

    /// Compiles the server and the page of the app for cargo-leptos, without linking them.
    fn check_halves(&self, workspace: &Workspace, cache: &Cache) -> Result<()> {
        self.keep_versions(workspace)?;
        step("checking the server with `ssr`", || {
            Cmd::cargo()
                .args(["check", "--features", "ssr"])
                .args(SETTINGS)
                .env("CARGO_TARGET_DIR", &workspace.target)
                .dir(&self.dir)
                .run()
        })?;
        let wasm = Wasm::find(cache, workspace)?;
        step("checking the page with `hydrate`", || {
            wasm.cargo("check")
                .args(["--lib", "--features", "hydrate"])
                .args(SETTINGS)
                .dir(&self.dir)
                .run()
        })
    }

    /// Returns a shell in the app's folder that stops at the first command that fails.
    fn shell(&self, script: &str) -> Cmd {
        Cmd::new("sh").args(["-euc", script]).dir(&self.dir)
    }
}

/// Returns the target folder of the builds that share no dependency with this workspace's.
fn own_target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("guide")
}

/// Returns the file name of a program.
fn program(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> (PathBuf, String) {
        let root = Workspace::load().unwrap().root;
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        (root, page)
    }

    #[test]
    fn each_way_has_a_section_that_builds_and_serves() {
        let (_, page) = page();
        for way in Way::ALL {
            assert!(page.contains(&format!("\n## {}\n", way.heading())));
            let blocks = blocks::parse(&page, &way.others()).unwrap();
            let tools = blocks.iter().filter(|b| matches!(b, Block::Tool(_)));
            assert_eq!(tools.count(), 1, "{way:?}");
            assert!(blocks.contains(&Block::Serve), "{way:?}");
        }
    }

    #[test]
    fn the_guides_service_worker_is_the_tested_one() {
        let (root, page) = page();
        let blocks = blocks::parse(&page, &[]).unwrap();
        let worker = blocks.iter().find_map(|block| match block {
            Block::Write { file, text, .. } if file.ends_with("service-worker.js") => Some(text),
            _ => None,
        });
        let tested = root.join("examples/todo/service-worker.js");
        assert_eq!(*worker.unwrap(), fs::read_to_string(tested).unwrap());
    }
}
