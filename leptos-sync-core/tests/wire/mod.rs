mod handle;
mod line;
mod peer;
mod world;

pub(crate) use world::World;
