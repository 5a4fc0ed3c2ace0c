//! A Rust file: its text, its syntax and its path.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use proc_macro2::Span;
use syn::{Attribute, Meta, Token, punctuated::Punctuated};

use super::Violation;
use crate::workspace::{Package, Workspace};

/// A parsed file.
pub(crate) struct Source {
    /// The path from the workspace's root.
    pub(crate) path: PathBuf,
    /// The path from the package's `src`, or `None` for a file outside it, such as a benchmark.
    pub(crate) in_src: Option<PathBuf>,
    /// The text of the file.
    pub(crate) text: String,
    /// The parsed syntax of the file.
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Reads all files of a package except tests. A file that does not parse is a violation.
    pub(crate) fn load_all(
        workspace: &Workspace,
        package: &Package,
        violations: &mut Vec<Violation>,
    ) -> Result<Vec<Self>> {
        let mut paths = Vec::new();
        find(&package.dir, &mut paths)?;
        paths.sort();
        let mut sources = Vec::new();
        for path in paths {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let in_src = path
                .strip_prefix(package.dir.join("src"))
                .ok()
                .map(Path::to_owned);
            let shown = path
                .strip_prefix(&workspace.root)
                .unwrap_or(&path)
                .to_owned();
            match Self::parse(shown, in_src, text) {
                Ok(source) => sources.push(source),
                Err(violation) => violations.push(violation),
            }
        }
        Ok(sources)
    }

    fn parse(path: PathBuf, in_src: Option<PathBuf>, text: String) -> Result<Self, Violation> {
        match syn::parse_file(&text) {
            Ok(syntax) => Ok(Self {
                path,
                in_src,
                text,
                syntax,
            }),
            Err(error) => Err(Violation {
                path,
                line: error.span().start().line,
                message: format!("this does not parse: {error}"),
            }),
        }
    }

    /// Creates a file in `src` from its text.
    #[cfg(test)]
    pub(crate) fn of(in_src: &str, text: &str) -> Self {
        let path = Path::new("src").join(in_src);
        Self::parse(path, Some(in_src.into()), text.to_owned()).unwrap()
    }

    /// Returns whether this is the root of its package's library.
    pub(crate) fn is_root(&self) -> bool {
        self.in_src.is_some() && self.module().is_empty()
    }

    /// Creates a violation at a line of this file.
    pub(crate) fn violation(&self, at: Span, message: String) -> Violation {
        Violation {
            path: self.path.clone(),
            line: at.start().line,
            message,
        }
    }

    /// Returns the module of the file as a path from the crate's root: `crdt/map.rs` is `["crdt",
    /// "map"]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.in_src.clone().unwrap_or_default().with_extension("");
        let mut names: Vec<_> = path
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let last = names.last().map(String::as_str);
        if last == Some("mod") || (names.len() == 1 && matches!(last, Some("lib" | "main"))) {
            names.pop();
        }
        names
    }
}

/// Returns whether an item is only compiled for tests.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    let condition = |attribute: &Attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg
            .then(|| attribute.parse_args::<Meta>().ok())
            .flatten()
    };
    attributes
        .iter()
        .filter_map(condition)
        .any(|condition| needs_test(&condition))
}

fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else {
        return condition.path().is_ident("test");
    };
    let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
    let Ok(inner) = list.parse_args_with(parser) else {
        return false;
    };
    match list.path.get_ident() {
        Some(name) if name == "all" => inner.iter().any(needs_test),
        Some(name) if name == "any" => !inner.is_empty() && inner.iter().all(needs_test),
        _ => false,
    }
}

fn find(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let is_other = matches!(name.as_str(), "tests" | "target") || name.starts_with('.');
            if !is_other && !path.join("Cargo.toml").is_file() {
                find(&path, paths)?;
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            paths.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_module() {
        let module = |path| Source::of(path, "").module();
        assert_eq!(module("lib.rs"), [""; 0]);
        assert_eq!(module("crdt/mod.rs"), ["crdt"]);
        assert_eq!(module("crdt/map.rs"), ["crdt", "map"]);
        assert_eq!(module("path.rs"), ["path"]);
    }

    #[test]
    fn only_what_needs_the_test_flag_counts_as_tests() {
        let is_test = |item: &str| {
            let item: syn::ItemMod = syn::parse_str(item).unwrap();
            is_test_only(&item.attrs)
        };
        assert!(is_test("#[cfg(test)] mod tests {}"));
        assert!(is_test("#[cfg(all(test, unix))] mod tests {}"));
        assert!(!is_test(
            "#[cfg(any(test, feature = \"testing\"))] mod testing {}"
        ));
        assert!(!is_test("#[cfg(not(test))] mod real {}"));
        assert!(!is_test("mod tests {}"));
    }
}
