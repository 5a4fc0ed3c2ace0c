mod checks;
pub(crate) mod disk;
mod heal;
pub(crate) mod oracle;
pub(crate) mod push;
pub(crate) mod relay;
mod tab;
mod world;

pub(crate) use world::World;
