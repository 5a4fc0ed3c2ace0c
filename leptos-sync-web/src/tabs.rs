//! Messages between the tabs of a browser, over a `BroadcastChannel`, with or without a relay.

use js_sys::Uint8Array;
use leptos_sync_core::sync::TabMessage;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BroadcastChannel, Event};

use crate::js;

/// The channel of all pages that use one database.
pub(crate) struct Tabs {
    channel: BroadcastChannel,
    _listener: Closure<dyn FnMut(Event)>,
}

impl Drop for Tabs {
    fn drop(&mut self) {
        js::set(&self.channel, "onmessage", &JsValue::NULL);
        let _ = js::run(&self.channel, "close");
    }
}

impl Tabs {
    /// Joins the channel. `receive` gets the messages of other tabs. Returns `None` if the browser
    /// has no `BroadcastChannel`.
    pub(crate) fn join(database: &str, receive: impl Fn(TabMessage) + 'static) -> Option<Self> {
        let name = ["leptos-sync:", database].concat();
        let channel = BroadcastChannel::new(&name).ok()?;
        let listener = Closure::new(move |event: Event| {
            // A page of another build may send other messages.
            if let Ok(data) = js::get(&event, "data")
                && let Some(bytes) = data.dyn_ref::<Uint8Array>()
                && let Ok(message) = TabMessage::decode(&bytes.to_vec())
            {
                receive(message);
            }
        });
        js::set(&channel, "onmessage", listener.as_ref());
        Some(Self {
            channel,
            _listener: listener,
        })
    }

    /// Sends a message to the other tabs. O(bytes).
    pub(crate) fn send(&self, message: &TabMessage) {
        let bytes = Uint8Array::from(message.encode().as_slice());
        // If the page is ending, the browser may have closed the channel.
        let _ = js::call(&self.channel, "postMessage", &bytes);
    }
}
