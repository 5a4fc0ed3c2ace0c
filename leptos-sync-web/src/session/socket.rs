use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use leptos_sync_core::Error;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BinaryType, Event, MessageEvent, Url, WebSocket};

/// What a WebSocket tells.
pub(super) enum SocketEvent {
    Opened,
    Frame(Vec<u8>),
    Closed,
}

/// A WebSocket that is closed, and silent, when this is dropped. On web-sys: a wrapper library would bring streams and
/// channels to a page, where one function is called for each event.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [Listener; 3],
}

/// Of the type of leptos' own, so that a page has the code of it once.
type Listener = Closure<dyn FnMut(Event)>;

impl Socket {
    /// Begins to connect.
    pub(super) fn connect(address: &str, notify: Rc<dyn Fn(SocketEvent)>) -> Result<Self, Error> {
        let refused = |_| Error::unavailable(format!("{address} is no address of a relay"));
        let socket = WebSocket::new(address).map_err(refused)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let listener = |read: fn(Event) -> SocketEvent| -> Listener {
            let notify = Rc::clone(&notify);
            Closure::new(move |event| notify(read(event)))
        };
        let opened = listener(|_| SocketEvent::Opened);
        let heard = listener(|event| {
            // A text is no frame: as an empty one it ends the connection.
            let data = event.unchecked_into::<MessageEvent>().data();
            let data = data.dyn_into::<ArrayBuffer>();
            SocketEvent::Frame(
                data.map_or_else(|_| Vec::new(), |data| Uint8Array::new(&data).to_vec()),
            )
        });
        let closed = listener(|_| SocketEvent::Closed);
        socket.set_onopen(Some(AsRef::<JsValue>::as_ref(&opened).unchecked_ref()));
        socket.set_onmessage(Some(AsRef::<JsValue>::as_ref(&heard).unchecked_ref()));
        socket.set_onclose(Some(AsRef::<JsValue>::as_ref(&closed).unchecked_ref()));
        Ok(Self {
            socket,
            _listeners: [opened, heard, closed],
        })
    }

    /// Hands a frame to the browser.
    pub(super) fn send(&self, frame: &[u8]) {
        // Where the connection is gone, that is told as an event.
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

/// The address of a relay, for a WebSocket: a path, or another address relative to that of the page, becomes a whole one.
pub(super) fn resolve(relay: &str, page: &str) -> Result<String, Error> {
    let url = Url::new_with_base(relay, page);
    let url = url.map_err(|_| Error::unavailable(format!("{relay} is no address of a relay")))?;
    if let Some(scheme) = url.protocol().strip_prefix("http") {
        url.set_protocol(&["ws", scheme].concat());
    }
    Ok(url.href())
}
