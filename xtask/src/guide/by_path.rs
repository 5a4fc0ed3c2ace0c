//! The one change to the guide's commands and files: the paths of this workspace's crates replace
//! their versions.

use std::path::Path;

/// The prefix of this workspace's crates.
const OWN: &str = "leptos-sync-";

/// Returns a script whose `cargo add` commands add this workspace's crates by their path.
pub(super) fn script(script: &str, root: &Path) -> String {
    let lines = script.lines().map(|line| {
        let own = line.split_whitespace().find(|word| word.starts_with(OWN));
        match own.filter(|_| line.starts_with("cargo add ")) {
            Some(name) => format!("{line} --path '{}'", root.join(name).display()),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the text of a file. In a manifest, paths replace the versions of this workspace's
/// crates.
pub(super) fn manifest(file: &str, text: String, root: &Path) -> String {
    if !file.ends_with("Cargo.toml") {
        return text;
    }
    let version = format!("\"{}\"", minor_version());
    let mut out = String::new();
    for line in text.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let path = format!("path = '{}'", root.join(name).display());
        let line = match (name.starts_with(OWN), line.contains("version = ")) {
            (false, _) => line.to_owned(),
            (true, true) => line.replace(&format!("version = {version}"), &path),
            (true, false) => line.replace(&version, &format!("{{ {path} }}")),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Returns the version of this workspace, as manifests name it.
fn minor_version() -> String {
    let [major, minor] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
    ];
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_this_workspace_are_added_by_path() {
        let root = Path::new("/here");
        let own = "cargo add --package server leptos-sync-server";
        let expected = format!("{own} --path '/here/leptos-sync-server'");
        assert_eq!(script(own, root), expected);
        assert_eq!(script("cargo add leptos@0.8", root), "cargo add leptos@0.8");
    }

    #[test]
    fn a_manifest_names_paths_instead_of_versions() {
        let version = minor_version();
        let text = format!(
            "leptos = \"{version}\"\nleptos-sync-web = \"{version}\"\n\
             leptos-sync-server = {{ version = \"{version}\", optional = true }}\n"
        );
        let expected = format!(
            "leptos = \"{version}\"\nleptos-sync-web = {{ path = '/here/leptos-sync-web' }}\n\
             leptos-sync-server = {{ path = '/here/leptos-sync-server', optional = true }}\n"
        );
        let root = Path::new("/here");
        assert_eq!(manifest("Cargo.toml", text.clone(), root), expected);
        assert_eq!(manifest("src/lib.rs", text.clone(), root), text);
    }
}
