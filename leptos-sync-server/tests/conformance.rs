//! Every log obeys the laws of `DurableLog`.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::sync::Arc;

use leptos_sync_server::{
    DurableLog, MemoryLog, SqliteLog,
    conformance::{self, Place},
};

/// Returns the number of random histories for each log, which `PROPTEST_CASES` overrides.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES");
    asked.map_or(usual, |cases| cases.parse().unwrap())
}

struct Memory(Arc<MemoryLog>);

impl Place for Memory {
    fn open(&self) -> Arc<dyn DurableLog> {
        self.0.clone()
    }

    fn reopen(&self) -> Arc<dyn DurableLog> {
        self.0.new_epoch().unwrap();
        self.0.clone()
    }
}

#[test]
fn memory_log_obeys_the_laws() {
    conformance::run(|| Memory(Arc::new(MemoryLog::new().unwrap())), cases(256));
}

struct File(tempfile::TempDir);

impl Place for File {
    fn open(&self) -> Arc<dyn DurableLog> {
        Arc::new(SqliteLog::open(self.0.path().join("log")).unwrap())
    }
}

#[test]
fn sqlite_log_obeys_the_laws() {
    conformance::run(|| File(tempfile::tempdir().unwrap()), cases(64));
}
