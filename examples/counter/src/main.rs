//! A counter that all open pages share. It also counts offline, and never loses a click.
//!
//! Run it with `trunk serve` in this folder. If there is no relay at `/sync`, the tabs of one
//! browser share it.

use leptos::prelude::*;
use leptos_sync_web::{Crdt, PnCounter, SyncOptions, UseDocReturn, provide_sync, use_doc};

/// The state. Each device counts in its own cell, so simultaneous clicks add up.
#[derive(Crdt, Clone, Default)]
struct Tally {
    clicks: PnCounter,
}

#[component]
fn App() -> impl IntoView {
    // Name the relay. Without this line, only the tabs of one browser share the counter.
    provide_sync(SyncOptions::default().relay("/sync"));
    let UseDocReturn { doc, saved, .. } = use_doc::<Tally>("tally");
    view! {
        <button on:click=move |_| doc.clicks().decrement(1)>"−"</button>
        <output>{move || doc.clicks().get()}</output>
        <button on:click=move |_| doc.clicks().increment(1)>"+"</button>
        <p>{move || if saved.get() { "Saved." } else { "Saving …" }}</p>
    }
}

fn main() {
    leptos::mount::mount_to_body(App);
}
