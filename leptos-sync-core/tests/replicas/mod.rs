mod disk;
mod heal;
mod oracle;
mod push;
mod relay;
mod tab;
mod world;

pub(crate) use world::World;
