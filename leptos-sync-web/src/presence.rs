use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use leptos::prelude::*;
use leptos_sync_core::{Error, ReplicaId, Root, Value, internal, limits};

use crate::live::{LiveDoc, Outgoing, StatusSignal, StatusValues, StoredStatus};

/// What [`use_presence`] gives.
#[derive(Clone, Copy, Debug)]
pub struct UsePresenceReturn<P: Value> {
    /// Tells the others what is true of this page for the moment.
    pub own: OwnPresence<P>,
    /// The others that are present, and what is true of them, in the order in which they came.
    pub peers: StatusSignal<Vec<Peer<P>>>,
}

/// What is true of this page for the moment: nothing at first, so that the others do not see it.
pub struct OwnPresence<P> {
    status: StoredStatus,
    of: PhantomData<fn(P)>,
}

impl<P: Value> OwnPresence<P> {
    /// The others are told this from now on; with `None` they do not see this page. To be called as it changes, such as in an
    /// effect. Nothing happens where the document has no relay, or its reactive owner is gone.
    pub fn set(&self, own: Option<P>) {
        if let Some(status) = self.status.try_get_value() {
            match own.as_ref().map_or_else(|| Ok(Vec::new()), write) {
                Ok(data) => status.outgoing.push(Outgoing::Presence(data)),
                Err(error) => status.error(error),
            }
        }
    }
}

impl<P> Clone for OwnPresence<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for OwnPresence<P> {}

impl<P> fmt::Debug for OwnPresence<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPresence").finish_non_exhaustive()
    }
}

/// Another page that has the document open: somebody else's, or another tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer<P> {
    /// Tells one from another for as long as they are there.
    pub id: ReplicaId,
    /// What is true of it.
    pub data: P,
}

/// The first byte of what is told, for a value may have none of its own; and nothing is told by no bytes.
const PRESENT: u8 = 1;

/// Tells the others that have a document open what is true of this page for the moment, such as where its cursor is, and shows
/// what is true of them. Nothing of it is stored. A document has presence of one type.
///
/// It goes through the relay, so without one nobody is present. What changes more often than twenty times a second is told
/// twenty times a second. Who leaves, is cut off, or is not heard of for
/// [`limits::SILENCE_MS`](leptos_sync_core::limits::SILENCE_MS) is gone. When the reactive owner that calls this ends, the others
/// see this page no more, unless another one has asked for it since.
///
/// What takes more than [`limits::PRESENCE_BYTES`](leptos_sync_core::limits::PRESENCE_BYTES) is not told, which the document's
/// status signal `error` says.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, LwwRegister, UseDocReturn, UsePresenceReturn, use_doc, use_presence};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// #[component]
/// fn Readers() -> impl IntoView {
///     let UseDocReturn { live, .. } = use_doc::<Page>("page");
///     let UsePresenceReturn::<String> { own, peers } = use_presence(&live);
///     own.set(Some("Ada".to_owned()));
///     move || peers.get().into_iter().map(|peer| view! { <li>{peer.data}</li> }).collect_view()
/// }
/// ```
#[track_caller]
pub fn use_presence<P: Value, S: Root>(doc: &LiveDoc<S>) -> UsePresenceReturn<P> {
    let status = Arc::clone(doc.status());
    let stored = StoredValue::new(Arc::clone(&status));
    // Where another one has come since, as the next page of an app before the last has gone, it is for that one to say.
    let uses = status.uses.fetch_add(1, Ordering::Relaxed) + 1;
    on_cleanup(move || {
        if status.uses.load(Ordering::Relaxed) == uses {
            status.outgoing.push(Outgoing::Presence(Vec::new()));
        }
    });
    UsePresenceReturn {
        own: OwnPresence {
            status: stored,
            of: PhantomData,
        },
        peers: StatusSignal::present(stored, read),
    }
}

/// Those whose data can be read: who has another build of the app may have told something else.
fn read<P: Value>(values: &StatusValues) -> Vec<Peer<P>> {
    let peers = values.peers.iter().filter_map(|(id, data)| {
        let data = internal::decode(data.strip_prefix(&[PRESENT])?).ok()?;
        Some(Peer { id: *id, data })
    });
    peers.collect()
}

fn write<P: Value>(own: &P) -> Result<Vec<u8>, Error> {
    let mut data = vec![PRESENT];
    internal::encode(own, &mut data)?;
    if data.len() > limits::PRESENCE_BYTES {
        let most = limits::PRESENCE_BYTES;
        return Err(Error::value(format!(
            "presence takes more than {most} bytes"
        )));
    }
    Ok(data)
}
