use js_sys::{JsString, Promise};
use leptos::prelude::window;
use leptos_sync_core::limits;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit};

use crate::{js, live::Cause};

/// Asks the relay with an ordinary request why no WebSocket opens, since a browser hides the reason
/// from the page.
///
/// Over HTTP, a relay answers `GET <address>?origin=<the page's origin>` with 200 and a text that
/// begins with its name. If it does not accept pages of that origin, it answers with 403, its name,
/// a colon and a sentence. Any other 403 is the answer of a proxy. A server that has not answered
/// after [`limits::HANDSHAKE_MS`] cannot be reached.
pub(super) async fn probe(address: &str) -> Cause {
    let url = url(address);
    let options = RequestInit::new();
    // A cached answer says nothing about the current state of the server.
    js::set(&options, "cache", &"no-store".into());
    let signal = AbortSignal::timeout_with_u32(limits::HANDSHAKE_MS as u32);
    js::set(&options, "signal", &signal);
    // The browser may hide the answer of a server that is not a relay, but not the fact that there
    // is one. The second request receives that answer without its text.
    for mode in ["cors", "no-cors"] {
        js::set(&options, "mode", &mode.into());
        if let Some(text) = ask(&url, &options).await {
            let Some(text) = text.strip_prefix("leptos-sync relay") else {
                return Cause::NoRelay;
            };
            return match text.strip_prefix(": ") {
                Some(text) => Cause::OriginNotAllowed(text.into()),
                None => Cause::NoWebSocket,
            };
        }
    }
    Cause::Unreachable
}

/// Converts the address of a WebSocket to that of the ordinary request.
fn url(address: &str) -> String {
    let (scheme, rest) = match address.strip_prefix("ws") {
        Some(rest) => ("http", rest),
        None => ("", address),
    };
    // Browsers do not send the fragment of an address.
    let rest = rest.split('#').next().unwrap_or_default();
    let separator = if rest.contains('?') { "&" } else { "?" };
    // The characters of an origin need no escapes here.
    let origin = js::text(&window().location(), "origin").unwrap_or_default();
    [scheme, rest, separator, "origin=", &origin].concat()
}

/// Returns the first part of the text of the answer, or `None` if there is no answer that the page
/// may read.
async fn ask(url: &str, options: &RequestInit) -> Option<String> {
    let answer = window().fetch_with_str_and_init(url, options);
    let answer = JsFuture::from(answer).await.ok()?;
    let text: Promise = js::run(&answer, "text").ok()?.unchecked_into();
    let text = JsFuture::from(text).await.ok()?;
    let text: JsString = text.unchecked_into();
    let text = text.slice(0, limits::REASON_BYTES as u32);
    JsValue::from(text).as_string()
}
