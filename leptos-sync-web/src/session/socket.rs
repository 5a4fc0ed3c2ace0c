use std::rc::Rc;

use js_sys::Uint8Array;
use leptos_sync_core::Error;
use wasm_bindgen::prelude::*;
use web_sys::{Event, Url, WebSocket};

use crate::js;

/// An event of a WebSocket.
pub(super) enum SocketEvent {
    Opened,
    Frame(Vec<u8>),
    Closed,
}

/// A WebSocket that closes and stops sending events when this is dropped. It uses web-sys directly,
/// because a wrapper library would add streams and channels to a page, while one function per event
/// suffices.
pub(super) struct Socket {
    socket: WebSocket,
    _listener: Listener,
}

/// The type that leptos uses too, so that a page contains its code once.
type Listener = Closure<dyn FnMut(Event)>;

impl Socket {
    /// Starts to connect.
    pub(super) fn connect(address: &str, notify: Rc<dyn Fn(SocketEvent)>) -> Result<Self, Error> {
        let refused = |_| {
            let message = " cannot be opened as a WebSocket; name a path or an address such as wss://example.com/sync";
            Error::unavailable([address, message].concat())
        };
        let socket = WebSocket::new(address).map_err(refused)?;
        js::set(&socket, "binaryType", &"arraybuffer".into());
        let listener: Listener = Closure::new(move |event: Event| {
            notify(match js::text(&event, "type").as_deref() {
                Some("open") => SocketEvent::Opened,
                Some("message") => SocketEvent::Frame(frame(&event)),
                _ => SocketEvent::Closed,
            });
        });
        listen(&socket, listener.as_ref());
        Ok(Self {
            socket,
            _listener: listener,
        })
    }

    /// Passes a frame to the browser.
    pub(super) fn send(&self, frame: &[u8]) {
        // A lost connection is reported by an event.
        let _ = js::call(&self.socket, "send", &Uint8Array::from(frame));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        listen(&self.socket, &JsValue::NULL);
        let _ = js::run(&self.socket, "close");
    }
}

/// Sets the listener of all events of a socket.
fn listen(socket: &WebSocket, listener: &JsValue) {
    for event in ["onopen", "onmessage", "onclose"] {
        js::set(socket, event, listener);
    }
}

/// Returns the frame that a message contains. A text message contains no frame. For it, this
/// returns an empty one, which ends the connection.
fn frame(message: &Event) -> Vec<u8> {
    match js::get(message, "data") {
        Ok(data) if data.as_string().is_none() => Uint8Array::new(&data).to_vec(),
        _ => Vec::new(),
    }
}

/// Converts the address of a relay to that of its WebSocket. Resolves a path, or another relative
/// address, against the page's address.
pub(super) fn resolve(relay: &str, page: &str) -> Result<String, Error> {
    let url = Url::new_with_base(relay, page).ok();
    let address = url.and_then(|url| js::text(&url, "href"));
    let Some(address) = address else {
        let message =
            " is not a valid address; name a path or an address such as wss://example.com/sync";
        return Err(Error::unavailable([relay, message].concat()));
    };
    Ok(match address.strip_prefix("http") {
        Some(rest) => ["ws", rest].concat(),
        None => address,
    })
}
