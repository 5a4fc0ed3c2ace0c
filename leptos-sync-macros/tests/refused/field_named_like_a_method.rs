use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Page {
    edit: LwwRegister<String>,
}

#[derive(Crdt, Clone, Default)]
struct Letter {
    stamp: LwwRegister<String>,
}

#[derive(Crdt, Clone, Default)]
struct Sheep {
    clone: LwwRegister<String>,
}

fn main() {}
