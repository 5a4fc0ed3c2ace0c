//! Access to the packages of Debian and Ubuntu.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::cmd::{Cmd, on_path};

/// Returns whether this machine has apt, which suffices to download packages.
pub(crate) fn is_here() -> bool {
    on_path("apt-get").is_some() && on_path("dpkg").is_some()
}

/// Returns whether packages can be installed, which needs root.
pub(crate) fn can_install() -> bool {
    is_here() && is_root()
}

/// Returns whether the user is root.
pub(crate) fn is_root() -> bool {
    Cmd::new("id").arg("-u").read().is_ok_and(|id| id == "0")
}

/// Refreshes the lists of packages, if the user is root.
pub(crate) fn update() -> Result<()> {
    if is_root() {
        Cmd::new("apt-get").args(["update", "-q"]).run_quietly()?;
    }
    Ok(())
}

/// Installs packages, without those that they only recommend.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    update()?;
    Cmd::new("apt-get")
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run_quietly()
}

/// Returns the version of a package that apt would install.
pub(crate) fn candidate(package: &str) -> Result<String> {
    field(package, "Version")
}

/// Returns the names of a package's dependencies.
pub(crate) fn dependencies(package: &str) -> Result<Vec<String>> {
    Ok(names(&field(package, "Depends")?))
}

/// Downloads packages and unpacks them into a folder without installing them.
pub(crate) fn unpack(packages: &[String], into: &Path) -> Result<()> {
    let downloads = into.join("downloads");
    fs::create_dir_all(&downloads)?;
    Cmd::new("apt-get")
        .args(["download", "-q"])
        .args(packages)
        .dir(&downloads)
        .run_quietly()?;
    for file in fs::read_dir(&downloads)? {
        Cmd::new("dpkg")
            .arg("-x")
            .arg(file?.path())
            .arg(into)
            .run_quietly()?;
    }
    fs::remove_dir_all(&downloads)?;
    Ok(())
}

fn field(package: &str, field: &str) -> Result<String> {
    let text = Cmd::new("apt-cache")
        .args(["show", "--no-all-versions", package])
        .read()
        .with_context(|| format!("apt knows no package `{package}`"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(": "))
        .map(str::to_owned)
        .with_context(|| format!("apt's entry for `{package}` has no {field}"))
}

fn names(depends: &str) -> Vec<String> {
    let name = |one: &str| one.split_whitespace().next().map(str::to_owned);
    depends.split([',', '|']).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_names_without_versions() {
        let depends = "libc6 (>= 2.34), libllvm22, libstd-rust-web-1.96 (= 1.96.0+dfsg1-1), a | b";
        let expected = ["libc6", "libllvm22", "libstd-rust-web-1.96", "a", "b"];
        assert_eq!(names(depends), expected);
    }
}
