//! What the tabs of a browser tell each other of their documents, by a `BroadcastChannel`: with a relay and without one.

use js_sys::Uint8Array;
use leptos_sync_core::sync::TabMessage;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BroadcastChannel, Event, MessageEvent};

/// The channel of all pages that use one database.
pub(crate) struct Tabs {
    channel: BroadcastChannel,
    _heard: Closure<dyn FnMut(Event)>,
}

impl Tabs {
    /// Joins in; `hear` is called for each message of another tab. `None` where the browser has no such channel.
    pub(crate) fn join(database: &str, hear: impl Fn(TabMessage) + 'static) -> Option<Self> {
        let name = ["leptos-sync:", database].concat();
        let channel = BroadcastChannel::new(&name).ok()?;
        let heard = Closure::new(move |event: Event| {
            let data = event.unchecked_into::<MessageEvent>().data();
            // What cannot be read is of a page of another build, or nobody's.
            if let Ok(bytes) = data.dyn_into::<Uint8Array>()
                && let Ok(message) = TabMessage::decode(&bytes.to_vec())
            {
                hear(message);
            }
        });
        channel.set_onmessage(Some(AsRef::<JsValue>::as_ref(&heard).unchecked_ref()));
        Some(Self {
            channel,
            _heard: heard,
        })
    }

    /// Tells the other tabs. O(bytes).
    pub(crate) fn tell(&self, message: &TabMessage) {
        let bytes = Uint8Array::from(message.encode().as_slice());
        // A page that is on its way out may be cut off already.
        let _ = self.channel.post_message(&bytes);
    }
}
