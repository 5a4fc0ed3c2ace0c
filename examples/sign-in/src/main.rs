//! A note for users who sign in. It shows who else has it open.
//!
//! The page's own server knows the user, for example by a session cookie. It answers `/token` with
//! a JSON Web Token that is valid for some minutes, and has a relay with a `JwtAuthorizer` at
//! `/sync`. `docs/guide/sign-in.md` explains both.

use gloo_net::http::Request;
use leptos::prelude::*;
use leptos_sync_web::{
    Crdt, LwwRegister, SyncOptions, presence::Peer, provide_sync, use_doc, use_presence,
};

#[derive(Crdt, Clone, Default)]
struct Note {
    text: LwwRegister<String>,
}

/// Requests a token. The page calls this when it opens, before the token expires, and when the
/// relay rejects it.
async fn token() -> Option<String> {
    let answer = Request::get("token").send().await.ok()?;
    match answer.ok() {
        true => answer.text().await.ok(),
        false => None,
    }
}

/// Returns the relay's address, which `<meta name="relay">` contains.
fn relay() -> Option<String> {
    let element = document().query_selector("meta[name=relay]").ok()??;
    element.get_attribute("content")
}

#[component]
fn App() -> impl IntoView {
    let address = relay().unwrap_or_else(|| "/sync".to_owned());
    provide_sync(SyncOptions::default().relay(address).renew(token));
    let note = use_doc::<Note>("note");
    // The presence is a name that the user chooses. The token proves who the user is.
    let presence = use_presence::<String>(&note.live);
    presence.own.set(Some(String::new()));
    let line = |peer: Peer<String>| view! { <li><b>{peer.user}</b> " " <i>{peer.data}</i></li> };
    view! {
        <input class="nickname" placeholder="Nickname"
            on:input:target=move |event| presence.own.set(Some(event.target().value())) />
        <textarea bind:value=note.doc.text()></textarea>
        <p class="connection">{move || note.connection.get().to_string()}</p>
        <p class="pending">{move || note.pending.get()}</p>
        <ul>{move || presence.peers.get().into_iter().map(line).collect_view()}</ul>
    }
}

fn main() {
    leptos::mount::mount_to_body(App);
}
