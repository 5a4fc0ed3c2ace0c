use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use js_sys::Uint8Array;
use leptos_sync_core::{
    ReplicaId,
    history::{IdHead, TabEntry},
    sync::{TabMessage, TabMessageKind},
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::Scratch;

type Heads = Vec<(ReplicaId, IdHead)>;

/// A scripted tab of the document `notes`.
pub(crate) struct Tab {
    channel: BroadcastChannel,
    /// The requests of other tabs: the asker and what it knows.
    pub(crate) asked: UnboundedReceiver<(u64, Heads)>,
    /// The entries in answers of other tabs.
    pub(crate) answered: UnboundedReceiver<Vec<TabEntry>>,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tab {
    pub(crate) fn join(scratch: &Scratch) -> Self {
        let channel = BroadcastChannel::new(&format!("leptos-sync:{}", scratch.name()))
            .expect("a scripted tab");
        let (tell, asked) = unbounded();
        let (tell_answer, answered) = unbounded();
        let heard = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            let bytes = event.data().unchecked_into::<Uint8Array>().to_vec();
            let message = TabMessage::decode(&bytes).expect("a scripted tab");
            let told = match message.kind {
                TabMessageKind::OutboxRequest { asker, known } => {
                    tell.unbounded_send((asker, known)).is_ok()
                }
                TabMessageKind::Outbox { entries, .. } => {
                    tell_answer.unbounded_send(entries).is_ok()
                }
                _ => true,
            };
            assert!(told, "a scripted tab");
        });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        Self {
            channel,
            asked,
            answered,
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
