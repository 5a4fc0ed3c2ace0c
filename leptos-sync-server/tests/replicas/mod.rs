//! The parts of the core's simulation that do not depend on the relay, and a relay with a real log.

#[path = "../../../leptos-sync-core/tests/replicas/checks.rs"]
mod checks;
#[path = "../../../leptos-sync-core/tests/replicas/disk.rs"]
pub(crate) mod disk;
#[path = "../../../leptos-sync-core/tests/replicas/oracle.rs"]
pub(crate) mod oracle;
pub(crate) mod relay;
#[path = "../../../leptos-sync-core/tests/replicas/seeds.rs"]
pub(crate) mod seeds;
