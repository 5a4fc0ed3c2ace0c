use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Page {
    #[crdt(name = "title")]
    heading: LwwRegister<String>,
}

fn main() {}
