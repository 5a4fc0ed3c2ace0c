//! A note for users who sign in. It shows who else has it open.
//!
//! The page's own server knows the user, for example by a session cookie. It answers `/token` with
//! a JSON Web Token that is valid for some minutes, and has a relay with a `JwtAuthorizer` at
//! `/sync`. `docs/guide/sign-in.md` explains both.

use gloo_net::http::Request;
use leptos::prelude::*;
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, presence::Peer, provide_sync,
    use_doc, use_presence,
};

#[derive(Crdt, Clone, Default)]
struct Note {
    text: LwwRegister<String>,
}

/// Requests a token for the user whose edits this page has. The page calls this when it opens,
/// before the token expires, and when the relay rejects it. The server answers with an error if
/// another user has signed in meanwhile, who must not send these edits.
async fn token(user: Option<String>) -> Option<String> {
    let request = Request::get("token").query(user.map(|user| ("user", user)));
    let answer = request.send().await.ok()?;
    match answer.ok() {
        true => answer.text().await.ok(),
        false => None,
    }
}

/// Returns the options. `<meta name="relay">` contains the relay's address, and `<meta
/// name="user">` the user who has signed in, if the server knows one.
fn options() -> SyncOptions {
    let address = meta("relay").unwrap_or_else(|| "/sync".to_owned());
    let user = meta("user");
    let whose = user.clone();
    let renew = move || token(whose.clone());
    let options = SyncOptions::default().relay(address).renew(renew);
    match user {
        // Several people may use this browser.
        Some(user) => options.database(format!("note-{user}")),
        // A guest who signs in later is the same person.
        None => options.keep_guest_edits(true),
    }
}

fn meta(name: &str) -> Option<String> {
    let selector = format!("meta[name={name}]");
    let element = document().query_selector(&selector).ok()??;
    element.get_attribute("content")
}

#[component]
fn App() -> impl IntoView {
    provide_sync(options());
    let name = RwSignal::new(shown_name());
    // Another name is another editor.
    move || {
        name.track();
        view! { <Editor name /> }
    }
}

/// Returns the name of the note: the fragment of the page's address, or `note`.
fn shown_name() -> String {
    let fragment = window().location().hash().unwrap_or_default();
    match fragment.strip_prefix('#') {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "note".to_owned(),
    }
}

#[component]
fn Editor(name: RwSignal<String>) -> impl IntoView {
    let note = use_doc::<Note>(&name.get_untracked());
    // The presence is a name that the user chooses. The token proves who the user is.
    let presence = use_presence::<String>(&note.live);
    presence.own.set(Some(String::new()));
    let line = |peer: Peer<String>| view! { <li><b>{peer.user}</b> " " <i>{peer.data}</i></li> };
    let removed = note.clone();
    view! {
        <input class="nickname" placeholder="Nickname"
            on:input:target=move |event| presence.own.set(Some(event.target().value())) />
        <textarea bind:value=note.doc.text()></textarea>
        <p class="connection">{move || note.connection.get().to_string()}</p>
        <p class="pending">{move || note.pending.get()}</p>
        <Show when=move || note.connection.get() == Connection::Removed>
            <Removed note=removed.clone() name />
        </Show>
        <ul>{move || presence.peers.get().into_iter().map(line).collect_view()}</ul>
    }
}

/// Asks what to do with a note that was removed at the relay.
#[component]
fn Removed(note: UseDocReturn<Note>, name: RwSignal<String>) -> impl IntoView {
    let kept = note.clone();
    let keep = move |_| {
        let copy = format!("{}-copy", name.get_untracked());
        if kept.copy_to(&copy).is_ok() {
            // The page shows it again after a reload.
            let _ = window().location().set_hash(&copy);
            name.set(copy);
        }
    };
    view! {
        <button class="keep" on:click=keep>"Keep a copy"</button>
        <button class="discard" on:click=move |_| note.discard()>"Delete on this device"</button>
    }
}

fn main() {
    leptos::mount::mount_to_body(App);
}
