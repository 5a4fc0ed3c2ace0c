use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Page<'a> {
    title: LwwRegister<&'a str>,
}

fn main() {}
