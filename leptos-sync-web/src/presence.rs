//! Presence: transient data, such as a cursor, that the clients of a document show each other.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use leptos::prelude::*;
use leptos_sync_core::{Error, ReplicaId, Root, Value, internal, limits};

use crate::live::{LiveDoc, Outgoing, StatusField, StatusSignal, StatusValues, StoredStatus};

/// The presence that [`use_presence`] returns.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UsePresenceReturn<P: Value> {
    /// A handle that sets the presence of this page.
    pub own: OwnPresence<P>,
    /// The other pages that show a presence, in the order in which they appeared. Other tabs of
    /// this browser are included.
    pub peers: StatusSignal<Vec<Peer<P>>>,
}

/// A handle that sets the presence of this page. Until `set` is called, other clients do not see
/// the page.
pub struct OwnPresence<P> {
    status: StoredStatus,
    of: PhantomData<fn(P)>,
}

impl<P: Value> OwnPresence<P> {
    /// Sets the presence of this page, which the others see. `None` hides the page.
    ///
    /// Call it whenever the value changes, such as in an effect. Nothing happens if the document
    /// has no relay, or if the reactive owner is gone. A value of more than
    /// [`limits::PRESENCE_BYTES`] is not sent; the document's status signal `rejected` lists it.
    pub fn set(&self, own: Option<P>) {
        if let Some(status) = self.status.try_get_value() {
            match own.as_ref().map_or_else(|| Ok(Vec::new()), write) {
                Ok(data) => status.outgoing.push(Outgoing::Presence(data)),
                Err(error) => status.reject(&error, None),
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

/// Another page, or another tab of this browser, that shows a presence with [`use_presence`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer<P> {
    /// An id that differs from that of all other peers, for as long as the peer is present.
    pub id: ReplicaId,
    /// The name of the user, which the relay determined from the credentials. Empty if the relay
    /// does not distinguish users.
    pub user: String,
    /// The value that the peer has set.
    pub data: P,
}

/// The first byte of an encoded presence. It distinguishes a value that encodes to no bytes from no
/// presence.
const PRESENT: u8 = 1;

/// Shows this page's presence, such as the position of its cursor, to the other clients that have a
/// document open, and returns theirs. Presence is not stored. All clients of a document must use
/// one type.
///
/// Presence goes through the relay, so without a relay there are no peers. The relay receives at
/// most twenty changes a second. A peer that disconnects, or is silent for [`limits::SILENCE_MS`],
/// is removed. When the reactive owner that calls this is cleaned up, the others no longer see this
/// page, unless another owner has called this function since.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, LwwRegister, use_doc, use_presence, presence::Peer};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// #[component]
/// fn Readers() -> impl IntoView {
///     let page = use_doc::<Page>("page");
///     let presence = use_presence::<String>(&page.live);
///     presence.own.set(Some("reading the title".to_owned()));
///     let line = |peer: Peer<String>| view! { <li>{peer.user} ": " {peer.data}</li> };
///     move || presence.peers.get().into_iter().map(line).collect_view()
/// }
/// ```
#[track_caller]
pub fn use_presence<P: Value>(doc: &LiveDoc<impl Root>) -> UsePresenceReturn<P> {
    use_presence_of(Arc::clone(doc.status()))
}

// Does not depend on the document's type, so that a page contains the code once.
#[track_caller]
fn use_presence_of<P: Value>(status: Arc<crate::live::Status>) -> UsePresenceReturn<P> {
    let stored = StoredValue::new(Arc::clone(&status));
    // Another owner may have called this since. The next page of an app does so before the last one
    // is cleaned up.
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
        peers: StatusSignal::new(stored, StatusField::Peers, read),
    }
}

/// Returns the peers whose data can be read. A page of another build of the app may have sent
/// another type.
fn read<P: Value>(status: &StatusValues) -> Vec<Peer<P>> {
    let peers = status.peers.iter().filter_map(|peer| {
        let data = internal::decode(peer.data.strip_prefix(&[PRESENT])?).ok()?;
        Some(Peer {
            id: peer.id,
            user: peer.user.clone(),
            data,
        })
    });
    peers.collect()
}

fn write<P: Value>(own: &P) -> Result<Vec<u8>, Error> {
    let mut data = vec![PRESENT];
    internal::encode_checked(own, &mut data)?;
    let limit = limits::PRESENCE_BYTES;
    if data.len() > limit {
        let bytes = data.len() as u64;
        return Err(Error::too_large("presence", bytes, limit, "send less"));
    }
    Ok(data)
}
