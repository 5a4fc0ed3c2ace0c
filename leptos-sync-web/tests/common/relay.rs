use std::{cell::RefCell, future::poll_fn, rc::Rc};

use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use js_sys::{Function, Object, Reflect, Uint8Array, global};
use leptos_sync_core::{
    Time, VersionVector,
    clock::{SystemTime, TimeSource as _},
    sync::{Channel, ClientRequest, Host, PROTOCOL, Permission, Reason, Response},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// A scripted relay in the page itself. The core's `Host` serves every WebSocket that is opened
/// until this is dropped.
pub(crate) struct Relay {
    host: RefCell<Host>,
    frames: RefCell<UnboundedReceiver<Vec<u8>>>,
    genuine: JsValue,
    _hear: Closure<dyn FnMut(Uint8Array)>,
}

const SOCKET: &str = "return class {
    constructor() {
        globalThis.toPage = frame => this.onmessage?.(new MessageEvent('message', { data: frame.buffer }));
        setTimeout(() => this.onopen?.(new Event('open')));
    }
    send(frame) { hear(frame) }
    close() {}
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

    /// Opens the document that the page requests next, as an empty one.
    pub(crate) async fn opens(&self, permission: Permission) -> Channel {
        let ClientRequest::Open { channel, .. } = self.asked().await else {
            panic!("the page did not open a document");
        };
        self.say(&Response::Opened {
            channel,
            permission,
            version: VersionVector::new(),
            floor: Time::ZERO,
            now_ms: SystemTime.now_ms(),
        });
        channel
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
