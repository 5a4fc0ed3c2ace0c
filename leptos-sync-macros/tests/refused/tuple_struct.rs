use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Point(LwwRegister<i64>, LwwRegister<i64>);

fn main() {}
