//! The relay with which the list is exchanged, and the status line, which says where the list is
//! saved and how many others have it open.

use leptos::prelude::*;
use leptos_sync_web::{Connection, SyncOptions, UseDocReturn, status::StorageKind, use_presence};

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

/// Renders the status line: where the list is saved, the oldest rejected edit, and how many others
/// have it open.
// All elements are always there, since an optional one is more code. The style sheet hides those
// without a text.
#[component]
pub(crate) fn Status(opened: UseDocReturn<Todos>) -> impl IntoView {
    use_presence::<()>(&opened.live).own.set(Some(()));
    let UseDocReturn {
        storage,
        saved,
        synced,
        connection,
        pending,
        rejected,
        peers,
        ..
    } = opened;
    let mark = move || {
        let (state, place) = place(storage.get(), saved.get());
        let connection = connection.get();
        let (word, relay) = (word(&connection), relay(&connection, pending.get()));
        let synced = if synced.get() { "true" } else { "false" };
        view! {
            <p class="saved-mark" data-testid="saved-mark" role="status" aria-live="polite"
                data-state=state data-connection=word data-synced=synced
            >
                {[place, &relay].concat()}
            </p>
        }
    };
    let rejection = move || match rejected.get().first() {
        Some(rejection) => ["An edit was rejected: ", &rejection.to_string()].concat(),
        None => String::new(),
    };
    let dismiss = move |_| {
        if let Some(rejection) = rejected.get_untracked().first() {
            rejection.dismiss();
        }
    };
    view! {
        {mark}
        <p class="rejected">
            <span data-testid="rejected" role="alert">{rejection}</span>
            " " <button on:click=dismiss>"Dismiss"</button>
        </p>
        <p class="peers" data-testid="peers" role="note">{move || others(peers.get())}</p>
    }
}

/// Returns where the list is saved on this device: as a word for tests, and as a sentence.
fn place(storage: StorageKind, is_saved: bool) -> (&'static str, &'static str) {
    match storage {
        StorageKind::Memory => (
            "memory",
            "In memory only: this browser does not store the list",
        ),
        StorageKind::IndexedDb if is_saved => ("saved", "Saved on this device"),
        _ => ("saving", "Saving"),
    }
}

/// Returns the state of the exchange with the relay as a word for tests.
fn word(connection: &Connection) -> &'static str {
    match connection {
        Connection::Absent => "absent",
        Connection::Online => "online",
        Connection::Refused(_) => "refused",
        Connection::Offline(_) => "offline",
        _ => "connecting",
    }
}

/// Returns the state of the exchange with the relay as the rest of the sentence.
fn relay(connection: &Connection, pending: usize) -> String {
    let mut text = match connection {
        Connection::Absent => return ".".to_owned(),
        Connection::Online if pending == 0 => return " and on the server.".to_owned(),
        Connection::Online => return ", sending to the server.".to_owned(),
        _ => [". ", &connection.to_string()].concat(),
    };
    match pending {
        0 => {}
        1 => text.push_str(" 1 edit is waiting."),
        edits => text.push_str(&[" ", &edits.to_string(), " edits are waiting."].concat()),
    }
    text
}

/// Returns how many others have the list open, as a sentence; nothing if there are none.
fn others(peers: usize) -> String {
    match peers {
        0 => String::new(),
        1 => "1 other is here".to_owned(),
        others => [&others.to_string(), " others are here"].concat(),
    }
}
