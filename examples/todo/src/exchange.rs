//! With which relay the list is exchanged, where it is saved, and who else is here.

use leptos::prelude::*;
use leptos_sync_web::{
    Connection, StorageKind, SyncOptions, UseDocReturn, UsePresenceReturn, use_presence,
};

use crate::state::Todos;

/// The page's server says by `<meta name="relay">` where the relay is, and by `<meta name="token">` who the user is. Without a
/// relay the list is that of this browser.
pub(crate) fn options() -> SyncOptions {
    let mut options = SyncOptions::default();
    if let Some(relay) = meta("relay") {
        options = options.relay(relay);
    }
    if let Some(token) = meta("token") {
        options = options.credentials(token);
    }
    options
}

fn meta(name: &str) -> Option<String> {
    let selector = ["meta[name=", name, "]"].concat();
    let element = document().query_selector(&selector).ok()??;
    element.get_attribute("content")
}

/// Where the list is saved, and what was taken back.
#[component]
pub(crate) fn Saved(opened: UseDocReturn<Todos>) -> impl IntoView {
    let UseDocReturn {
        saved,
        storage,
        synced,
        pending,
        connection,
        reason,
        rejected,
        ..
    } = opened;
    let state = move || match (storage.get(), saved.get()) {
        (StorageKind::Memory, _) => (
            "memory",
            "in memory only: this browser keeps nothing for this page",
        ),
        (StorageKind::IndexedDb, true) => ("saved", "saved on this device"),
        _ => ("saving", "saving"),
    };
    let relay = move || match (connection.get(), pending.get()) {
        (Connection::Absent, _) => ("absent", String::new()),
        (Connection::Online, 0) => ("online", " and at the relay".to_owned()),
        (Connection::Online, _) => ("online", ", on its way to the relay".to_owned()),
        (Connection::Refused, _) => {
            let why = reason.get().map_or_else(String::new, |why| why.to_string());
            ("refused", ["; the relay refuses it: ", &why].concat())
        }
        (_, 0) => ("offline", "; offline".to_owned()),
        (_, 1) => ("offline", "; offline, 1 edit waits".to_owned()),
        (_, waiting) => ("offline", format!("; offline, {waiting} edits wait")),
    };
    view! {
        <p class="saved-mark" data-testid="saved-mark" data-state=move || state().0
            data-connection=move || relay().0 data-synced=move || synced.get().to_string()
            role="status" aria-live="polite">
            {move || state().1}
            {move || relay().1}
        </p>
        {move || rejected.get().map(|why| view! {
            <p class="rejected" data-testid="rejected" role="alert">"An edit was taken back: " {why.to_string()}</p>
        })}
    }
}

/// How many others have the list open.
#[component]
pub(crate) fn Others(opened: UseDocReturn<Todos>) -> impl IntoView {
    let UsePresenceReturn { own, .. } = use_presence::<(), _>(&opened.live);
    own.set(Some(()));
    move || {
        match opened.peers.get() {
            0 => None,
            1 => Some("1 other is here".to_owned()),
            others => Some(format!("{others} others are here")),
        }
        .map(|text| view! { <p data-testid="peers">{text}</p> })
    }
}
