use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use js_sys::Uint8Array;
use leptos_sync_core::sync::v2::{TabMessage, TabMessageKind};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::Scratch;

/// A scripted tab of the document `notes`.
pub(crate) struct Tab {
    channel: BroadcastChannel,
    /// The requests of other tabs.
    pub(crate) asked: UnboundedReceiver<()>,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tab {
    pub(crate) fn join(scratch: &Scratch) -> Self {
        let channel = BroadcastChannel::new(&format!("leptos-sync:{}", scratch.name()))
            .expect("a scripted tab");
        let (tell, asked) = unbounded();
        let heard = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            let bytes = event.data().unchecked_into::<Uint8Array>().to_vec();
            if TabMessage::decode(&bytes).expect("a scripted tab").kind == TabMessageKind::Ask {
                tell.unbounded_send(()).expect("a scripted tab");
            }
        });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        Self {
            channel,
            asked,
            _heard: heard,
        }
    }

    pub(crate) fn say(&self, kind: TabMessageKind) {
        let document = "notes".to_owned();
        let bytes = TabMessage { document, kind }.encode();
        let bytes = Uint8Array::from(bytes.as_slice());
        self.channel.post_message(&bytes).expect("a scripted tab");
    }
}
