use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Page {
    #[crdt(rename = "")]
    title: LwwRegister<String>,
}

fn main() {}
