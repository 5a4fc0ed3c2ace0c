use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use leptos_sync_core::Error;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BinaryType, Event, MessageEvent, Url, WebSocket};

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
    _listeners: [Listener; 3],
}

/// The type that leptos uses too, so that a page contains its code once.
type Listener = Closure<dyn FnMut(Event)>;

impl Socket {
    /// Starts to connect.
    pub(super) fn connect(address: &str, notify: Rc<dyn Fn(SocketEvent)>) -> Result<Self, Error> {
        let refused = |_| {
            Error::unavailable(format!(
                "{address} cannot be opened as a WebSocket; name a path or an address such as wss://example.com/sync"
            ))
        };
        let socket = WebSocket::new(address).map_err(refused)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let listener = |read: fn(Event) -> SocketEvent| -> Listener {
            let notify = Rc::clone(&notify);
            Closure::new(move |event| notify(read(event)))
        };
        let opened = listener(|_| SocketEvent::Opened);
        let received = listener(|event| {
            // A text message is not a frame. An empty frame ends the connection.
            let data = event.unchecked_into::<MessageEvent>().data();
            let data = data.dyn_into::<ArrayBuffer>();
            SocketEvent::Frame(
                data.map_or_else(|_| Vec::new(), |data| Uint8Array::new(&data).to_vec()),
            )
        });
        let closed = listener(|_| SocketEvent::Closed);
        socket.set_onopen(Some(AsRef::<JsValue>::as_ref(&opened).unchecked_ref()));
        socket.set_onmessage(Some(AsRef::<JsValue>::as_ref(&received).unchecked_ref()));
        socket.set_onclose(Some(AsRef::<JsValue>::as_ref(&closed).unchecked_ref()));
        Ok(Self {
            socket,
            _listeners: [opened, received, closed],
        })
    }

    /// Passes a frame to the browser.
    pub(super) fn send(&self, frame: &[u8]) {
        // A lost connection is reported by an event.
        let _ = self.socket.send_with_u8_array(frame);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

/// Converts the address of a relay to that of its WebSocket. Resolves a path, or another relative
/// address, against the page's address.
pub(super) fn resolve(relay: &str, page: &str) -> Result<String, Error> {
    let url = Url::new_with_base(relay, page);
    let url = url.map_err(|_| Error::unavailable(format!("{relay} is not a valid address; name a path or an address such as wss://example.com/sync")))?;
    if let Some(scheme) = url.protocol().strip_prefix("http") {
        url.set_protocol(&["ws", scheme].concat());
    }
    Ok(url.href())
}
