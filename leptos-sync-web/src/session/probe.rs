use js_sys::Object;
use leptos::prelude::window;
use leptos_sync_core::limits;
use wasm_bindgen::{JsCast, JsValue};

use crate::{js, live::Cause, task::settled};

/// Asks the relay with an ordinary request why no WebSocket opens, since a browser hides the reason
/// from the page.
///
/// Over HTTP, a relay answers `GET <address>?origin=<the page's origin>` with 200 and a text that
/// begins with its name. If it does not accept pages of that origin, it answers with 403, its name,
/// a colon and a sentence. Any other 403 is the answer of a proxy. A server that has not answered
/// after [`limits::HANDSHAKE_MS`] cannot be reached.
pub(super) fn probe(address: &str, then: impl FnOnce(Cause) + 'static) {
    let options = Object::new();
    // A cached answer says nothing about the current state of the server.
    js::set(&options, "cache", &"no-store".into());
    let limit = (limits::HANDSHAKE_MS as u32).into();
    let signal = js::get(&js_sys::global(), "AbortSignal");
    if let Ok(signal) = signal.and_then(|class| js::call(&class, "timeout", &limit)) {
        js::set(&options, "signal", &signal);
    }
    let origin = js::text(&window().location(), "origin").unwrap_or_default();
    let url = url(address, &origin);
    let rest = url.strip_prefix(&origin).unwrap_or_default();
    let probe = Probe {
        modes: match rest.starts_with(['/', '?']) {
            true => &["cors"],
            // The browser may hide the answer of another origin's server that is not a relay, but
            // not the fact that there is one. The second request receives it without its text.
            false => &["cors", "no-cors"],
        },
        url: url.into(),
        options,
        then: Box::new(then),
    };
    probe.ask();
}

/// The requests to make, and the function that receives the result.
struct Probe {
    url: JsValue,
    options: Object,
    modes: &'static [&'static str],
    then: Box<dyn FnOnce(Cause)>,
}

impl Probe {
    fn ask(mut self) {
        let Some((mode, others)) = self.modes.split_first() else {
            return (self.then)(Cause::Unreachable);
        };
        self.modes = others;
        js::set(&self.options, "mode", &(*mode).into());
        // A browser without this function has no WebSocket either.
        let Ok(answer) = js::call2(&window(), "fetch", &self.url, &self.options) else {
            return self.ask();
        };
        settled(answer.unchecked_into(), move |answer| {
            match answer.and_then(|answer| js::run(&answer, "text")) {
                Ok(text) => settled(text.unchecked_into(), move |text| self.answered(text)),
                // The page may not read the answer, or there is none.
                Err(_) => self.ask(),
            }
        });
    }

    fn answered(self, text: Result<JsValue, JsValue>) {
        match text {
            Ok(text) => (self.then)(cause(&text.as_string().unwrap_or_default())),
            Err(_) => self.ask(),
        }
    }
}

fn cause(text: &str) -> Cause {
    let Some(text) = text.strip_prefix("leptos-sync relay") else {
        return Cause::NoRelay;
    };
    match text.strip_prefix(": ") {
        Some(text) => Cause::OriginNotAllowed(start(text).into()),
        None => Cause::NoWebSocket,
    }
}

/// Converts the address of a WebSocket to that of the ordinary request.
fn url(address: &str, origin: &str) -> String {
    let (scheme, rest) = match address.strip_prefix("ws") {
        Some(rest) => ("http", rest),
        None => ("", address),
    };
    // Browsers do not send the fragment of an address.
    let rest = rest.split('#').next().unwrap_or_default();
    let separator = if rest.contains('?') { "&" } else { "?" };
    // The characters of an origin need no escapes here.
    [scheme, rest, separator, "origin=", origin].concat()
}

/// Returns the text up to the limit.
fn start(text: &str) -> &str {
    let end = text.len().min(limits::REASON_BYTES);
    let whole = (0..=end).rev().find_map(|end| text.get(..end));
    whole.unwrap_or_default()
}
