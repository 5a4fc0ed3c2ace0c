//! The hash function of the table, in a browser.

/// The standard library's, which a page has in any case.
pub(super) use std::hash::RandomState as TableHasher;
