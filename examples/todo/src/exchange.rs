//! The relay with which the list is exchanged, and the status line, which says where the list is
//! saved and how many others have it open.

use leptos::prelude::*;
use leptos_sync_web::{
    Connection, SyncOptions, UseDocReturn,
    status::{Rejection, StorageKind},
    use_presence,
};

use crate::state::Todos;

/// Reads the options from the page. The server names the relay in `<meta name="relay">` and passes
/// the user's token in `<meta name="token">`. Without a relay, the list stays in this browser.
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

/// Renders the status line: where the list is saved, which edits were rejected, and how many others
/// have it open.
// The line is one view. Its parts change seldom, and a view for each would add code to the page.
#[component]
pub(crate) fn Status(opened: UseDocReturn<Todos>) -> impl IntoView {
    use_presence::<()>(&opened.live).own.set(Some(()));
    move || {
        let (state, place) = saved(&opened);
        let (connection, relay) = relay(&opened);
        let synced = if opened.synced.get() { "true" } else { "false" };
        let rejected = opened.rejected.get().into_iter().map(rejected);
        let peers = match opened.peers.get() {
            0 => None,
            1 => Some("1 other is here".to_owned()),
            others => Some([&others.to_string(), " others are here"].concat()),
        };
        view! {
            <p class="saved-mark" data-testid="saved-mark" data-state=state data-connection=connection data-synced=synced
                role="status" aria-live="polite">{[place, &relay].concat()}</p>
            {rejected.collect_view()}
            {peers.map(|text| view! { <p class="peers" data-testid="peers" role="note">{text}</p> })}
        }
    }
}

/// Renders an edit that was rejected, until the user has dismissed it.
fn rejected(rejection: Rejection) -> impl IntoView {
    let text = ["An edit was rejected: ", &rejection.to_string()].concat();
    view! {
        <p class="rejected" data-testid="rejected" role="alert">
            {text} " " <button on:click=move |_| rejection.dismiss()>"Dismiss"</button>
        </p>
    }
}

/// Returns where the list is saved on this device: as a word for tests, and as a sentence.
fn saved(opened: &UseDocReturn<Todos>) -> (&'static str, &'static str) {
    match (opened.storage.get(), opened.saved.get()) {
        (StorageKind::Memory, _) => (
            "memory",
            "In memory only: this browser does not store the list",
        ),
        (StorageKind::IndexedDb, true) => ("saved", "Saved on this device"),
        _ => ("saving", "Saving"),
    }
}

/// Returns the state of the exchange with the relay: as a word for tests, and as the rest of the
/// sentence.
fn relay(opened: &UseDocReturn<Todos>) -> (&'static str, String) {
    let (connection, pending) = (opened.connection.get(), opened.pending.get());
    let state = match &connection {
        Connection::Absent => return ("absent", ".".to_owned()),
        Connection::Online if pending == 0 => return ("online", " and on the server.".to_owned()),
        Connection::Online => return ("online", ", sending to the server.".to_owned()),
        Connection::Refused(_) => "refused",
        Connection::Offline(_) => "offline",
        _ => "connecting",
    };
    let mut text = [". ", &connection.to_string()].concat();
    match pending {
        0 => {}
        1 => text.push_str(" 1 edit is waiting."),
        edits => text.push_str(&[" ", &edits.to_string(), " edits are waiting."].concat()),
    }
    (state, text)
}
