//! The core's simulation of clients, in front of a relay with a real log.

#[path = "../../../leptos-sync-core/tests/wire/handle.rs"]
mod handle;
mod line;
#[path = "../../../leptos-sync-core/tests/wire/peer.rs"]
mod peer;
#[path = "../../../leptos-sync-core/tests/wire/world.rs"]
mod world;

pub(crate) use world::World;
