use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use js_sys::{Function, Object, Reflect, Uint8Array, global};
use leptos_sync_core::{
    Time,
    clock::{SystemTime, TimeSource as _, Window},
    history::{
        Ack, Entry, EntryId, Epoch, Opened, Page, Patch, Position, RelayState, Sequence, Witness,
    },
    sync::{Channel, ClientRequest, Host, PROTOCOL, Permission, Reason, Response},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// A scripted relay in the page itself. The core's `Host` serves every WebSocket that is opened
/// until this is dropped.
pub(crate) struct Relay {
    host: RefCell<Host>,
    frames: RefCell<UnboundedReceiver<Vec<u8>>>,
    genuine: JsValue,
    /// The number of changes of the only document.
    head: Cell<u64>,
    /// The time below which the relay has forgotten removals.
    pub(crate) floor: Cell<Time>,
    _hear: Closure<dyn FnMut(Uint8Array)>,
}

const SOCKET: &str = "return class {
    constructor() {
        globalThis.openSockets = (globalThis.openSockets ?? 0) + 1;
        globalThis.toPage = frame => this.onmessage?.(new MessageEvent('message', { data: frame.buffer }));
        setTimeout(() => this.onopen?.(new Event('open')));
    }
    send(frame) { hear(frame) }
    close() { globalThis.openSockets -= this.isClosed ? 0 : 1; this.isClosed = true }
}";

impl Relay {
    pub(crate) fn start() -> Rc<Self> {
        let (tell, frames) = unbounded();
        let hear = Closure::<dyn FnMut(Uint8Array)>::new(move |frame: Uint8Array| {
            tell.unbounded_send(frame.to_vec()).expect("a relay");
        });
        let genuine = Reflect::get(&global(), &"WebSocket".into()).expect("a class");
        let class = Function::new_with_args("hear", SOCKET)
            .call1(&JsValue::UNDEFINED, hear.as_ref())
            .expect("a class");
        Reflect::set(&global(), &"WebSocket".into(), &class).expect("a global");
        Rc::new(Self {
            host: RefCell::default(),
            frames: RefCell::new(frames),
            genuine,
            head: Cell::default(),
            floor: Cell::default(),
            _hear: hear,
        })
    }

    /// Returns the page's next request.
    pub(crate) async fn asked(&self) -> ClientRequest {
        loop {
            let frame = poll_fn(|task| self.frames.borrow_mut().poll_next_unpin(task)).await;
            let frame = frame.expect("a frame");
            let asked = self.host.borrow_mut().receive(&frame);
            if let Some(ask) = asked.expect("a message") {
                return ask;
            }
        }
    }

    /// Admits the page. Expects that its next request is for admission.
    pub(crate) async fn welcome(&self) {
        let ClientRequest::Admission { protocol, .. } = self.asked().await else {
            panic!("the page did not send a hello first");
        };
        self.host.borrow_mut().welcome(protocol, 0, 30_000);
        self.flush();
    }

    /// Opens the document that the page requests next, as an empty one, or with the changes that
    /// the page was told. Lets the page read it.
    pub(crate) async fn opens(&self, permission: Permission) -> Channel {
        let ClientRequest::Open { channel, .. } = self.asked().await else {
            panic!("the page did not open a document");
        };
        let opened = Opened {
            now_ms: SystemTime.now_ms(),
            floor: self.floor.get(),
            point: self.state().head(),
            state: self.state(),
            ..Opened::default()
        };
        self.say(&Response::Opened {
            channel,
            permission,
            opened,
        });
        self.reads(channel).await;
        channel
    }

    /// Answers the page's request for changes that do not exist.
    async fn reads(&self, channel: Channel) {
        let ClientRequest::Read { after, .. } = self.asked().await else {
            panic!("the page did not read the document");
        };
        self.say(&Response::Page {
            channel,
            page: Page {
                after,
                upto: after,
                floor: self.floor.get(),
                state: self.state(),
                ..Page::default()
            },
        });
    }

    fn state(&self) -> RelayState {
        let sequence = Sequence::new(self.head.get());
        let is_written = self.head.get() > 0;
        let epoch = Epoch::new(u64::from(is_written));
        RelayState {
            witness: Witness {
                head: Position { epoch, sequence },
                ..Witness::default()
            },
            epoch_start: Sequence::new(u64::from(is_written)),
        }
    }

    /// Returns the entries that the page sends next.
    pub(crate) async fn pushed(&self) -> Vec<Entry> {
        let ClientRequest::Push { entries, .. } = self.asked().await else {
            panic!("the page did not send its edits");
        };
        entries
    }

    /// Acknowledges entries of one writer.
    pub(crate) fn acknowledge(&self, channel: Channel, entries: &[Entry]) {
        let mut ack = self.stores(entries.first().expect("an entry").id);
        ack.count = entries.len() as u64;
        self.head.set(self.head.get() + ack.count - 1);
        ack.state = self.state();
        self.say(&Response::Ack { channel, ack });
    }

    /// Stores an entry, and returns the acknowledgement.
    pub(crate) fn stores(&self, id: EntryId) -> Ack {
        self.head.set(self.head.get() + 1);
        let state = self.state();
        Ack {
            id,
            count: 1,
            first: state.head(),
            state,
        }
    }

    /// Stores a change that is not an entry. Returns the state afterwards.
    pub(crate) fn takes(&self) -> RelayState {
        self.head.set(self.head.get() + 1);
        self.state()
    }

    /// Forgets all changes.
    pub(crate) fn forget(&self) {
        self.head.set(0);
    }

    /// Sends the last change.
    pub(crate) fn tell(&self, channel: Channel, cells: &Patch) {
        let state = self.state();
        let page = Page {
            after: state.head().previous(),
            upto: state.head(),
            cells: cells.clone(),
            state,
            ..Page::default()
        };
        self.say(&Response::Page { channel, page });
    }

    /// Rejects an entry.
    pub(crate) fn reject(&self, channel: Channel, id: EntryId, reason: Reason, text: &str) {
        self.say(&Response::Reject {
            channel,
            id,
            reason,
            text: text.to_owned(),
            window: Window {
                floor: Time::ZERO,
                now_ms: SystemTime.now_ms(),
                latest: Time::ZERO,
            },
        });
    }

    /// Admits the page and opens its document, as an empty one.
    pub(crate) async fn opened(&self) -> Channel {
        self.welcome().await;
        self.opens(Permission::Write).await
    }

    /// Returns the credentials that the page sends next, and whether it is admitted already.
    pub(crate) async fn shown(&self) -> (String, bool) {
        let ClientRequest::Admission {
            credentials, again, ..
        } = self.asked().await
        else {
            panic!("the page did not send credentials");
        };
        (String::from_utf8(credentials).expect("a text"), again)
    }

    /// Admits the page or confirms its new credentials.
    pub(crate) fn admit(&self) {
        self.host.borrow_mut().welcome(PROTOCOL, 0, 30_000);
        self.flush();
    }

    /// Prepares for the next connection, because the page has ended this one.
    pub(crate) fn lost(&self) {
        self.host.replace(Host::new());
    }

    /// Prepares for the next page, because this one is gone. Discards what it has sent last.
    pub(crate) fn drop_page(&self) {
        while self.frames.borrow_mut().try_recv().is_ok() {}
        self.host.replace(Host::new());
    }

    /// Ends the connection and prepares for the next one.
    pub(crate) fn end(&self, reason: Reason, text: &str) {
        let text = text.to_owned();
        self.say(&Response::Bye { reason, text });
        self.host.replace(Host::new());
    }

    pub(crate) fn say(&self, response: &Response) {
        self.host.borrow_mut().send(response);
        self.flush();
    }

    fn flush(&self) {
        let page: Object = global();
        let page = Reflect::get(&page, &"toPage".into()).expect("a connection");
        let page: Function = page.unchecked_into();
        loop {
            let frame = self.host.borrow_mut().next_frame();
            let Some(frame) = frame else {
                return;
            };
            let frame = Uint8Array::from(frame.as_slice());
            page.call1(&JsValue::UNDEFINED, &frame).expect("a listener");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        Reflect::set(&global(), &"WebSocket".into(), &self.genuine).expect("a global");
    }
}
