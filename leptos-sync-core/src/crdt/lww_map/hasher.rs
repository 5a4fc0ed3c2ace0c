//! The hash function of the table. It never leaves the process, so that each platform may have its own.

/// Fast; costs a page 2 KB.
pub(super) use foldhash::fast::RandomState as TableHasher;
