//! Checks that lines of prose (comments in Rust files, and Markdown) are at most 100 columns wide.
//!
//! Tables, code blocks and lines with a link may be longer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::Violation;

/// The maximum width of a line of prose in columns.
const COLUMNS: usize = 100;

/// Folders that contain no prose of this project.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// Reports every long line of prose below `root`.
///
/// # Errors
///
/// If a folder or file cannot be read.
pub(crate) fn check(root: &Path, violations: &mut Vec<Violation>) -> Result<()> {
    let mut paths = Vec::new();
    find(root, &mut paths)?;
    for path in paths {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let shown = path.strip_prefix(root).unwrap_or(&path);
        violations.extend(long_lines(shown, &text));
    }
    Ok(())
}

fn find(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                find(&path, paths)?;
            }
        } else if matches!(
            path.extension().and_then(|extension| extension.to_str()),
            Some("rs" | "md")
        ) {
            paths.push(path);
        }
    }
    Ok(())
}

fn long_lines(path: &Path, text: &str) -> Vec<Violation> {
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let mut in_code = false;
    let mut violations = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some(prose) = (if is_rust { comment(line) } else { Some(line) }) else {
            in_code = false;
            continue;
        };
        let prose = prose.trim_start();
        if prose.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let is_exempt =
            in_code || prose.starts_with('|') || prose.contains("](") || prose.contains("://");
        let columns = line.chars().count();
        if columns > COLUMNS && !is_exempt {
            violations.push(Violation {
                path: path.to_owned(),
                line: at + 1,
                message: format!(
                    "the line of prose is {columns} columns wide, the limit is {COLUMNS}: wrap it"
                ),
            });
        }
    }
    violations
}

/// Returns the text of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    let comment = line.trim_start().strip_prefix("//")?;
    Some(comment.trim_start_matches(['/', '!']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let violations = long_lines(Path::new(path), text);
        violations.iter().map(|violation| violation.line).collect()
    }

    fn prose(columns: usize) -> String {
        "words ".repeat(columns).chars().take(columns).collect()
    }

    #[test]
    fn a_line_of_prose_beyond_the_limit_is_reported() {
        let text = format!("{}\n{}\n", prose(100), prose(101));
        assert_eq!(lines("a.md", &text), [2]);
        let text = format!("// {}\n    /// {}\n", prose(97), prose(97));
        assert_eq!(lines("a.rs", &text), [2]);
    }

    #[test]
    fn columns_are_characters_and_not_bytes() {
        assert_eq!(lines("a.md", &"ä".repeat(100)), [0; 0]);
        assert_eq!(lines("a.md", &"ä".repeat(101)), [1]);
    }

    #[test]
    fn code_is_not_prose() {
        assert_eq!(lines("a.rs", &format!("let {} = 1;", prose(120))), [0; 0]);
    }

    #[test]
    fn tables_code_blocks_and_links_may_be_longer() {
        let long = prose(120);
        let text =
            format!("| {long} |\n```text\n{long}\n```\n[{long}](#a)\nhttps://a.b {long}\n{long}");
        assert_eq!(lines("a.md", &text), [7]);
    }

    #[test]
    fn a_code_block_ends_with_its_comment() {
        let text = format!("/// ```\n/// {0}\nfn a() {{}}\n/// {0}\n", prose(120));
        assert_eq!(lines("a.rs", &text), [4]);
    }
}
