use std::{sync::Arc, time::Duration};

use leptos::prelude::*;
use leptos_sync_core::{Bincode, Codec, Error, ReplicaId, Root, Value, limits};

use crate::live::{LiveDoc, Peers, Status, StatusSignal};

/// What [`use_presence`] gives.
#[derive(Clone, Debug)]
pub struct UsePresenceReturn<P: Value> {
    /// What is true of this page for the moment, to be set as it changes. `None` at first: the others do not see it.
    pub own: RwSignal<Option<P>>,
    /// The others that are present, and what is true of them, in the order in which they came.
    pub peers: Signal<Vec<Peer<P>>>,
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

/// Between two messages of what is true of a page: twenty a second look smooth.
const INTERVAL: Duration = Duration::from_millis(50);

/// Tells the others that have a document open what is true of this page for the moment, such as where its cursor is, and shows
/// what is true of them. Nothing of it is stored. A document has presence of one type.
///
/// It goes through the relay, so without one nobody is present. What changes more often than twenty times a second is told
/// twenty times a second. Who leaves, is cut off, or is not heard of for
/// [`limits::SILENCE_MS`](leptos_sync_core::limits::SILENCE_MS) is gone. When the reactive owner that calls this ends, the others
/// see this page no more.
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
    let status = StoredValue::new(Arc::clone(doc.status()));
    let present = StatusSignal::present(status);
    let own = RwSignal::new(None::<P>);
    tell(Arc::clone(doc.status()), own);
    UsePresenceReturn {
        own,
        peers: Signal::derive(move || read(&present.get())),
    }
}

/// Those whose data can be read: who has another build of the app may have told something else.
fn read<P: Value>(peers: &Peers) -> Vec<Peer<P>> {
    let peers = peers.iter().filter_map(|(id, data)| {
        let data = Bincode::decode(data.strip_prefix(&[PRESENT])?).ok()?;
        Some(Peer { id: *id, data })
    });
    peers.collect()
}

fn write<P: Value>(own: &P) -> Result<Vec<u8>, Error> {
    let mut data = vec![PRESENT];
    Bincode::encode(own, &mut data)?;
    if data.len() > limits::PRESENCE_BYTES {
        let most = limits::PRESENCE_BYTES;
        return Err(Error::value(format!(
            "presence takes more than {most} bytes"
        )));
    }
    Ok(data)
}

/// Tells what `own` is whenever it changes, at once, and then not before the interval has passed.
fn tell<P: Value>(status: Arc<Status>, own: RwSignal<Option<P>>) {
    let waits = StoredValue::new(false);
    let gone = Arc::clone(&status);
    // Runs whenever something has changed, or the interval has passed.
    let due = ArcTrigger::new();
    Effect::new(move |told: Option<Vec<u8>>| {
        due.track();
        let data = own.with(|own| own.as_ref().map_or_else(|| Ok(Vec::new()), write));
        let told = told.unwrap_or_default();
        match data {
            Ok(data) if data != told && !waits.get_value() => {
                waits.set_value(true);
                status.presence.push(data.clone());
                let due = due.clone();
                let again = move || {
                    waits.try_set_value(false);
                    due.notify();
                };
                set_timeout(again, INTERVAL);
                data
            }
            Ok(_) => told,
            Err(error) => {
                status.error(error);
                told
            }
        }
    });
    on_cleanup(move || gone.presence.push(Vec::new()));
}
