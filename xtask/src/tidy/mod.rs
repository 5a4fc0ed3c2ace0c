//! Checks of the code base that the compiler cannot do, one per file. Each file states its rule.

mod bincode;
mod edges;
mod layers;
mod lengths;
mod names;
mod prose;
mod reexports;
mod source;

use std::{fmt, path::PathBuf};

use anyhow::Result;

use self::source::Source;
use crate::workspace::Workspace;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: PathBuf,
    line: usize,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

/// Runs every check on the workspace and returns the violations, in the order of paths.
///
/// # Errors
///
/// If a file cannot be read, or cargo cannot describe the workspace. A file that cannot be parsed
/// is a violation.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for package in &workspace.packages {
        let sources = Source::load_all(workspace, package, &mut violations)?;
        for source in &sources {
            lengths::check(source, &mut violations);
            if package.is_product() {
                bincode::check(source, &mut violations);
            }
        }
        names::check(&package.name, &sources, &mut violations);
        if package.name == layers::CORE {
            layers::check(&sources, &mut violations);
        }
    }
    violations.extend(edges::check(&workspace.resolved()?)?);
    prose::check(&workspace.root, &mut violations)?;
    violations.sort();
    Ok(violations)
}
