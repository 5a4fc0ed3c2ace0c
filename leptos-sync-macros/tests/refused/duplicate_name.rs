use leptos_sync_core::{Crdt, LwwRegister};

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
    #[crdt(rename = "title")]
    heading: LwwRegister<String>,
}

fn main() {}
