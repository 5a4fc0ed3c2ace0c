//! What the tabs of a browser tell each other of their documents, by a `BroadcastChannel`: with a relay and without one.
//!
//! A message is an array: the document's name, a number that says what is told, bytes, and what a refusal says.

use js_sys::{Array, Uint8Array};
use leptos_sync_core::{Delta, Restamped, VersionVector, sync::Reason};
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::live::Refusal;

/// What one tab tells the others of a document.
#[derive(Clone)]
pub(crate) enum Told {
    /// A transaction that was written here, or that nobody has sent to the relay yet.
    Edit(Delta),
    /// What this tab contains: who has more tells it. `answered` says that it is an answer itself, after which this tab is
    /// not asked in turn.
    Version {
        version: VersionVector,
        answered: bool,
    },
    /// What others lack, but for the transactions that the relay lacks.
    Missing(Delta),
    /// The relay has refused the transaction that leads to this version.
    Rejected(VersionVector, Refusal),
    /// Transactions have other stamps than before.
    Restamped(Vec<Restamped>),
}

const EDIT: u8 = 0;
const ASK: u8 = 1;
const ANSWER: u8 = 2;
const MISSING: u8 = 3;
const REJECTED: u8 = 4;
const RESTAMPED: u8 = 5;

/// The channel of all pages that use one database.
pub(crate) struct Tabs {
    channel: BroadcastChannel,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tabs {
    /// Joins in; `hear` is called for each message of another tab. `None` where the browser has no such channel.
    pub(crate) fn join(database: &str, hear: impl Fn(&str, Told) + 'static) -> Option<Self> {
        let name = ["leptos-sync:", database].concat();
        let channel = BroadcastChannel::new(&name).ok()?;
        let heard = Closure::new(move |event: MessageEvent| {
            // What cannot be read is of a page of another build, or nobody's.
            if let Some((document, told)) = read(&event.data()) {
                hear(&document, told);
            }
        });
        channel.set_onmessage(Some(AsRef::<JsValue>::as_ref(&heard).unchecked_ref()));
        Some(Self {
            channel,
            _heard: heard,
        })
    }

    /// Tells the other tabs. O(bytes).
    pub(crate) fn tell(&self, document: &str, told: &Told) {
        // A page that is on its way out may be cut off already.
        let _ = self.channel.post_message(&write(document, told));
    }
}

fn write(document: &str, told: &Told) -> Array {
    let parts = Array::new();
    let put = |bytes: Vec<u8>| {
        parts.push(&Uint8Array::from(bytes.as_slice()));
    };
    let (mut code, mut text) = (0, "");
    let kind = match told {
        Told::Edit(delta) => {
            put(delta.encode());
            EDIT
        }
        Told::Version { version, answered } => {
            put(bytes(version));
            if *answered { ANSWER } else { ASK }
        }
        Told::Missing(delta) => {
            put(delta.encode());
            MISSING
        }
        Told::Rejected(upto, refusal) => {
            put(bytes(upto));
            (code, text) = (refusal.reason.code(), &refusal.text);
            REJECTED
        }
        Told::Restamped(all) => {
            for Restamped { replaced, delta } in all {
                put(bytes(replaced));
                put(delta.encode());
            }
            RESTAMPED
        }
    };
    let message = Array::of4(&document.into(), &kind.into(), &parts, &code.into());
    message.push(&text.into());
    message
}

fn read(message: &JsValue) -> Option<(String, Told)> {
    let message: &Array = message.dyn_ref()?;
    let document = message.get(0).as_string()?;
    let kind = message.get(1).as_f64()?;
    let mut parts = Vec::new();
    for part in message.get(2).dyn_ref::<Array>()?.iter() {
        parts.push(Delta::decode(&part.dyn_ref::<Uint8Array>()?.to_vec()).ok()?);
    }
    let mut parts = parts.into_iter();
    let first = parts.next()?;
    // Numbers this small are whole in any message of ours.
    let told = match kind as u8 {
        EDIT => Told::Edit(first),
        kind @ (ASK | ANSWER) => Told::Version {
            version: first.upto().clone(),
            answered: kind == ANSWER,
        },
        MISSING => Told::Missing(first),
        REJECTED => {
            let reason = Reason::of_code(message.get(3).as_f64()? as u8);
            let text = message.get(4).as_string()?;
            Told::Rejected(first.upto().clone(), Refusal { reason, text })
        }
        RESTAMPED => {
            let (mut all, mut replaced) = (Vec::new(), Some(first));
            while let (Some(before), Some(delta)) = (replaced.take(), parts.next()) {
                let replaced_version = before.upto().clone();
                all.push(Restamped {
                    replaced: replaced_version,
                    delta,
                });
                replaced = parts.next();
            }
            Told::Restamped(all)
        }
        _ => return None,
    };
    Some((document, told))
}

/// A version, as a delta of no cells.
fn bytes(version: &VersionVector) -> Vec<u8> {
    let delta = Delta::collect(VersionVector::new(), version.clone(), |_| {});
    // It can always be written.
    delta.map_or_else(|_| Vec::new(), |delta| delta.encode())
}
