//! With which relay the list is exchanged, where it is saved, and who else is here.

use leptos::prelude::*;
use leptos_sync_web::{Connection, StorageKind, SyncOptions, UseDocReturn, use_presence};

use crate::state::Todos;

/// The page's server says by `<meta name="relay">` where the relay is, and by `<meta name="token">` who the user is. Without a
/// relay the list is that of this browser.
pub(crate) fn options() -> SyncOptions {
    let mut options = SyncOptions::default();
    if let Some(relay) = meta("relay") {
        options = options.relay(relay);
    }
    if let Some(token) = meta("token") {
        options = options.credentials(move || token.clone());
    }
    options
}

fn meta(name: &str) -> Option<String> {
    let selector = ["meta[name=", name, "]"].concat();
    let element = document().query_selector(&selector).ok()??;
    element.get_attribute("content")
}

/// Where the list is saved, what was taken back, and how many others have it open. One view: what it shows changes seldom, and
/// each part with a view of its own is more for the page to download.
#[component]
pub(crate) fn Status(opened: UseDocReturn<Todos>) -> impl IntoView {
    use_presence::<(), _>(&opened.live).own.set(Some(()));
    move || {
        let (state, place) = saved(&opened);
        let (connection, relay) = relay(&opened);
        let synced = if opened.synced.get() { "true" } else { "false" };
        let rejected = opened
            .rejected
            .get()
            .map(|why| ["An edit was taken back: ", &why.to_string()].concat());
        let peers = match opened.peers.get() {
            0 => None,
            1 => Some("1 other is here".to_owned()),
            others => Some([&others.to_string(), " others are here"].concat()),
        };
        view! {
            <p class="saved-mark" data-testid="saved-mark" data-state=state data-connection=connection data-synced=synced
                role="status" aria-live="polite">{[place, &relay].concat()}</p>
            {rejected.map(|text| line("rejected", "alert", text))}
            {peers.map(|text| line("peers", "note", text))}
        }
    }
}

fn line(name: &'static str, role: &'static str, text: String) -> impl IntoView {
    view! { <p class=name data-testid=name role=role>{text}</p> }
}

/// Where it is saved on this device: for a program, and for a person.
fn saved(opened: &UseDocReturn<Todos>) -> (&'static str, &'static str) {
    match (opened.storage.get(), opened.saved.get()) {
        (StorageKind::Memory, _) => (
            "memory",
            "in memory only: this browser keeps nothing for this page",
        ),
        (StorageKind::IndexedDb, true) => ("saved", "saved on this device"),
        _ => ("saving", "saving"),
    }
}

/// How it stands to the relay: for a program, and for a person.
fn relay(opened: &UseDocReturn<Todos>) -> (&'static str, String) {
    let (pending, reason) = (opened.pending.get(), opened.reason.get());
    let (state, text) = match (opened.connection.get(), pending) {
        (Connection::Absent, _) => ("absent", ""),
        (Connection::Online, 0) => ("online", " and at the relay"),
        (Connection::Online, _) => ("online", ", on its way to the relay"),
        (Connection::Refused, _) => {
            let why = reason.map_or_else(String::new, |why| why.to_string());
            return ("refused", ["; the relay refuses it: ", &why].concat());
        }
        (_, 0) => ("offline", "; offline"),
        (_, 1) => ("offline", "; offline, 1 edit waits"),
        (_, waiting) => {
            let waiting = waiting.to_string();
            return ("offline", ["; offline, ", &waiting, " edits wait"].concat());
        }
    };
    (state, text.to_owned())
}
