use leptos_sync_core::Crdt;

#[derive(Crdt, Clone, Default)]
struct Page {
    title: String,
}

fn main() {}
