#![allow(dead_code, unused_imports, reason = "each test uses a part")]

mod browser;
mod checks;
pub(crate) mod disk;
mod heal;
pub(crate) mod oracle;
pub(crate) mod push;
pub(crate) mod relay;
pub(crate) mod seeds;
pub(crate) mod siblings;
pub(crate) mod steps;
pub(crate) mod tab;
mod world;

pub(crate) use world::World;
