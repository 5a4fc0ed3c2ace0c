use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use quick_cache::sync::Cache;

use crate::limits;

/// What has a meaning in a pattern. One without is a name.
const MEANINGS: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// Patterns of documents, of which those in use stay compiled: that takes some hundred times the memory of their text, too much
/// to have it of each user's own.
pub(super) struct Patterns(Cache<String, Arc<GlobSet>>);

impl Patterns {
    pub(super) fn new() -> Self {
        Self(Cache::new(limits::PATTERNS))
    }

    /// Whether a pattern stands for that document. O(length), and where it has to be compiled some 100 µs.
    pub(super) fn matches(&self, pattern: &str, document: &str) -> bool {
        if !pattern.contains(MEANINGS) {
            return pattern == document;
        }
        let compiled = self
            .0
            .get_or_insert_with(pattern, || compile(pattern).map(Arc::new));
        match compiled {
            Ok(compiled) => compiled.is_match(document),
            Err(error) => {
                tracing::error!(%error, "a pattern that was admitted cannot be used, and grants nothing");
                false
            }
        }
    }
}

/// Reads a pattern. O(length).
///
/// # Errors
///
/// Where it is none.
pub(super) fn check(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}

fn compile(pattern: &str) -> Result<GlobSet, globset::Error> {
    GlobSetBuilder::new().add(check(pattern)?).build()
}
