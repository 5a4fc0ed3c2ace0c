use leptos_sync_core::Crdt;

#[derive(Crdt, Clone, Default)]
enum State {
    #[default]
    Open,
    Closed,
}

fn main() {}
