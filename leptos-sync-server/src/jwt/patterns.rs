use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use quick_cache::sync::Cache;

use crate::limits;

/// The special characters of patterns. A text without them is a name.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// A cache of compiled patterns. A compiled pattern takes a hundred times the memory of its text,
/// which is too much to keep for each user.
pub(super) struct Patterns(Cache<String, Arc<GlobSet>>);

impl Patterns {
    pub(super) fn new() -> Self {
        Self(Cache::new(limits::PATTERNS))
    }

    /// Returns whether a pattern matches a document's name. O(length), or about 100 µs if the
    /// pattern must be compiled.
    pub(super) fn matches(&self, pattern: &str, document: &str) -> bool {
        if !pattern.contains(SPECIAL) {
            return pattern == document;
        }
        let compiled = self
            .0
            .get_or_insert_with(pattern, || compile(pattern).map(Arc::new));
        match compiled {
            Ok(compiled) => compiled.is_match(document),
            Err(error) => {
                tracing::error!(%error, "cannot compile a pattern that was valid before; it matches nothing");
                false
            }
        }
    }
}

/// Parses a pattern. O(length).
///
/// # Errors
///
/// If the pattern is invalid.
pub(super) fn check(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}

fn compile(pattern: &str) -> Result<GlobSet, globset::Error> {
    GlobSetBuilder::new().add(check(pattern)?).build()
}
