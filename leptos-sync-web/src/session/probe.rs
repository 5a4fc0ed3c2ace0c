use std::time::Duration;

use js_sys::JsString;
use leptos::prelude::window;
use leptos_sync_core::limits;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestCache, RequestInit, RequestMode, Response, Url};

use crate::{live::Cause, task::after};

/// Asks the relay with an ordinary request why no WebSocket opens, since a browser hides the reason
/// from the page.
///
/// A relay answers `GET <address>?origin=<the page's origin>`, over HTTP, with 200 and a text that
/// begins with its name, or with 403 and a sentence if it does not accept pages of that origin. A
/// server that has not answered after [`limits::HANDSHAKE_MS`] cannot be reached.
pub(super) async fn probe(address: &str) -> Cause {
    let (Some(url), Ok(abort)) = (url(address), AbortController::new()) else {
        return Cause::Unreachable;
    };
    let options = RequestInit::new();
    // A stored answer says nothing about the server of now.
    options.set_cache(RequestCache::NoStore);
    options.set_signal(Some(&abort.signal()));
    after(Duration::from_millis(limits::HANDSHAKE_MS), move || {
        abort.abort();
    });
    let Some((status, text)) = ask(&url, &options, RequestMode::Cors).await else {
        // The browser may hide the answer of a server that is not a relay, but not the fact that
        // there is an answer.
        return match ask(&url, &options, RequestMode::NoCors).await {
            Some(_) => Cause::NoRelay,
            None => Cause::Unreachable,
        };
    };
    match status {
        200 if text.starts_with("leptos-sync relay") => Cause::NoWebSocket,
        403 if !text.is_empty() => Cause::OriginNotAllowed(text.into()),
        _ => Cause::NoRelay,
    }
}

/// Converts the address of a WebSocket to that of the ordinary request.
fn url(address: &str) -> Option<String> {
    let url = Url::new(address).ok()?;
    if let Some(scheme) = url.protocol().strip_prefix("ws") {
        url.set_protocol(&["http", scheme].concat());
    }
    let origin = window().location().origin().ok()?;
    url.search_params().append("origin", &origin);
    Some(url.href())
}

/// Returns the status of the answer and the first part of its text, or `None` if there is no answer
/// that the page may read.
async fn ask(url: &str, options: &RequestInit, mode: RequestMode) -> Option<(u16, String)> {
    options.set_mode(mode);
    let answer = window().fetch_with_str_and_init(url, options);
    let answer: Response = JsFuture::from(answer).await.ok()?.unchecked_into();
    let text = JsFuture::from(answer.text().ok()?).await.ok()?;
    let text: JsString = text.unchecked_into();
    let text = text.slice(0, limits::REASON_BYTES as u32);
    Some((answer.status(), JsValue::from(text).as_string()?))
}
