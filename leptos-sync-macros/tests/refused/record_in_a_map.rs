use leptos_sync_core::{Crdt, Id, LwwMap, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Player {
    name: LwwRegister<String>,
}

#[derive(Crdt, Clone, Default)]
struct Game {
    players: LwwMap<Id, Player>,
}

fn main() {}
