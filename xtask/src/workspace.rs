//! The packages of this workspace, from cargo's metadata.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cmd::Cmd;

/// The package of the end-to-end tests. They need the built examples and a browser.
pub(crate) const E2E: &str = "todo-e2e";

/// The package of wasm-bindgen's programs. It has no tests, and takes a minute to compile.
pub(crate) const BINDGEN: &str = "xtask-bindgen";

/// The page that measures storage in a browser, and the package that opens it. The tests of that
/// package need the built page.
pub(crate) const BENCH_PAGE: &str = "browser-bench";
pub(crate) const BENCH_RUNNER: &str = "browser-bench-run";

/// The workspace's folder and packages.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// The members, in the order of the manifest.
    pub(crate) packages: Vec<Package>,
}

/// One member.
#[derive(Debug)]
pub(crate) struct Package {
    /// The name of the package.
    pub(crate) name: String,
    /// The folder of the package's manifest.
    pub(crate) dir: PathBuf,
    /// The features of the package, without `default`.
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Loads the metadata from cargo. Needs no network.
    pub(crate) fn load() -> Result<Self> {
        let root = root();
        let json = metadata(&root, &["--no-deps"])?;
        let packages = array(&json, "packages")?;
        Ok(Self {
            target: PathBuf::from(string(&json, "target_directory")?),
            packages: packages
                .iter()
                .map(Package::from_json)
                .collect::<Result<_>>()?,
            root,
        })
    }

    /// Returns the member of that name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Returns the members that a browser runs, which build for wasm32.
    pub(crate) fn browser_packages(&self) -> Vec<&Package> {
        let in_browser = |package: &&Package| {
            matches!(
                package.name.as_str(),
                "leptos-sync-core" | "leptos-sync-web"
            ) || package.dir.join("index.html").is_file()
        };
        self.packages.iter().filter(in_browser).collect()
    }

    /// Returns the version of a crate in Cargo.lock.
    pub(crate) fn locked_version(&self, name: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let Some(version) = version_in(&lock, name) else {
            bail!("Cargo.lock has no `{name}`: no member depends on it");
        };
        Ok(version)
    }

    /// Returns the resolved dependency graph of all members, as `cargo metadata` prints it.
    pub(crate) fn resolved(&self) -> Result<Value> {
        metadata(&self.root, &[])
    }
}

impl Package {
    fn from_json(json: &Value) -> Result<Self> {
        let manifest = PathBuf::from(string(json, "manifest_path")?);
        let features = json.get("features").and_then(Value::as_object);
        Ok(Self {
            name: string(json, "name")?.to_owned(),
            dir: manifest.parent().unwrap_or(&manifest).to_owned(),
            features: features
                .into_iter()
                .flat_map(|features| features.keys())
                .filter(|feature| *feature != "default")
                .cloned()
                .collect(),
        })
    }

    /// Returns whether the package is published: not an example, a benchmark or a command.
    pub(crate) fn is_product(&self) -> bool {
        matches!(
            self.name.as_str(),
            "leptos-sync-core" | "leptos-sync-macros" | "leptos-sync-web" | "leptos-sync-server"
        )
    }

    /// Returns whether the package has a feature.
    pub(crate) fn has_feature(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }
}

/// Returns a field of `cargo metadata` that is an array.
pub(crate) fn array<'a>(json: &'a Value, field: &str) -> Result<&'a Vec<Value>> {
    json.get(field)
        .and_then(Value::as_array)
        .with_context(|| format!("`cargo metadata` printed no array `{field}`"))
}

/// Returns a field of `cargo metadata` that is a string.
pub(crate) fn string<'a>(json: &'a Value, field: &str) -> Result<&'a str> {
    json.get(field)
        .and_then(Value::as_str)
        .with_context(|| format!("`cargo metadata` printed no string `{field}`"))
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn metadata(root: &Path, args: &[&str]) -> Result<Value> {
    let text = Cmd::cargo()
        .args(["metadata", "--format-version", "1"])
        .args(args)
        .dir(root)
        .read()?;
    serde_json::from_str(&text).context("`cargo metadata` printed no JSON")
}

fn version_in(lock: &str, name: &str) -> Option<String> {
    let header = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    lines.find(|line| *line == header)?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_gives_the_version_of_exactly_that_crate() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(version_in(lock, "leptos"), None);
    }

    #[test]
    fn this_workspace_has_a_core_and_an_xtask() {
        let workspace = Workspace::load().unwrap();
        assert!(workspace.package("leptos-sync-core").is_some());
        assert!(workspace.package("xtask").is_some());
    }

    #[test]
    fn a_published_crate_has_its_licenses_and_readme_and_no_tests() {
        let workspace = Workspace::load().unwrap();
        for package in workspace.packages.iter().filter(|own| own.is_product()) {
            let list = Cmd::cargo()
                .args(["package", "--list", "--allow-dirty", "--quiet", "--package"])
                .arg(&package.name)
                .dir(&workspace.root)
                .read()
                .unwrap();
            let files: Vec<_> = list.lines().collect();
            for needed in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"] {
                assert!(files.contains(&needed), "{} has no {needed}", package.name);
            }
            let others = files.iter().filter(|file| file.contains('/'));
            for file in others.filter(|file| !file.starts_with("src/")) {
                assert!(file.starts_with("examples/"), "{} has {file}", package.name);
            }
        }
    }
}
