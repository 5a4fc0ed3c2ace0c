//! The page's connection to its relay. All documents share it.
//!
//! The core's `Client` makes all decisions. This module provides a WebSocket, the time and a timer.

mod probe;
mod socket;

use std::{
    cell::{Cell, OnceCell},
    rc::{Rc, Weak},
    time::Duration,
};

use leptos::prelude::{TimeoutHandle, document, set_timeout_with_handle};
use leptos_sync_core::{
    Error,
    sync::{Client, ConnectionAction, Document, Reason},
};

use self::{
    probe::probe,
    socket::{Socket, SocketEvent, resolve},
};
use crate::{
    cell::RefCell,
    js,
    live::{Cause, Connection},
    task::{after, now_ms},
};

/// The client for a page's documents of all types.
pub(crate) type PageClient = Client<Box<dyn Document>>;

/// The driver of the client. All calls go through [`run`](Session::run), since a document that the
/// client calls may call the client.
pub(crate) struct Session {
    this: Weak<Self>,
    client: RefCell<PageClient>,
    /// The calls to make next.
    jobs: RefCell<Vec<Job>>,
    address: String,
    socket: RefCell<Option<Socket>>,
    timer: RefCell<Option<TimeoutHandle>>,
    /// The state that was reported last.
    reported: RefCell<Connection>,
    report: Box<Report>,
    /// The reason why there is no connection, if an attempt was made.
    failure: RefCell<Option<Cause>>,
    /// Whether the current WebSocket has opened.
    has_opened: Cell<bool>,
    /// Whether the page is asking the relay why no WebSocket opens.
    is_probing: Cell<bool>,
    /// The observer that renews the credentials, if there is one.
    credentials: OnceCell<Box<CredentialsObserver>>,
    /// Whether the page must fetch credentials before it connects.
    is_held: Cell<bool>,
}

/// An event in the life of a page's credentials.
pub(crate) enum CredentialsEvent<'a> {
    /// The credentials were set. They are empty if there are none.
    Set(&'a [u8]),
    /// The relay rejected the credentials.
    Refused,
    /// The relay accepted the credentials.
    Accepted,
    /// The network may be back.
    Hurry,
}

type CredentialsObserver = dyn Fn(CredentialsEvent<'_>);

type Job = Box<dyn FnOnce(&mut PageClient)>;

/// A function that reports the state of the connection whenever it changes.
type Report = dyn Fn(&Connection);

impl Session {
    /// Creates a session that connects as soon as it has a document to exchange.
    pub(crate) fn new(
        relay: &str,
        seed: u64,
        max_documents: usize,
        report: Box<Report>,
    ) -> Result<Rc<Self>, Error> {
        let base = js::text(&document(), "baseURI").unwrap_or_default();
        let address = resolve(relay, &base)?;
        let mut client = Client::new(Vec::new(), seed);
        client.set_max_documents(max_documents);
        Ok(Rc::new_cyclic(|this| Self {
            this: this.clone(),
            client: RefCell::new(client),
            jobs: RefCell::default(),
            address,
            socket: RefCell::default(),
            timer: RefCell::default(),
            reported: RefCell::new(Connection::Connecting),
            report,
            failure: RefCell::default(),
            has_opened: Cell::default(),
            is_probing: Cell::default(),
            credentials: OnceCell::new(),
            is_held: Cell::default(),
        }))
    }

    /// Calls the client, now or after the call in progress, and then performs the client's next
    /// action.
    pub(crate) fn run(&self, job: impl FnOnce(&mut PageClient) + 'static) {
        self.run_boxed(Box::new(job));
    }

    #[inline(never)]
    fn run_boxed(&self, job: Job) {
        self.jobs.borrow_mut().push(job);
        let Some(mut client) = self.client.try_borrow_mut() else {
            return;
        };
        loop {
            // If these jobs make further calls, those run afterwards.
            for job in self.jobs.take() {
                job(&mut client);
            }
            if self.jobs.borrow().is_empty() && !self.follow(&mut client) {
                break;
            }
        }
        let connection = self.state(&client);
        let wake_at = client.wake_at().filter(|_| !self.is_held.get());
        drop(client);
        self.wake_at(wake_at);
        if self.reported.replace(connection.clone()) != connection {
            if connection == Connection::Online {
                self.notify_credentials(CredentialsEvent::Accepted);
            }
            (self.report)(&connection);
        }
    }

    /// Sets the observer of the credentials. If there are no credentials, the observer provides
    /// them.
    pub(crate) fn observe_credentials(&self, observer: Box<CredentialsObserver>) {
        let _ = self.credentials.set(observer);
    }

    fn notify_credentials(&self, event: CredentialsEvent<'_>) {
        if let Some(observer) = self.credentials.get() {
            observer(event);
        }
    }

    /// Sets the credentials and sends them.
    pub(crate) fn set_credentials(&self, credentials: Vec<u8>) {
        self.is_held
            .set(credentials.is_empty() && self.credentials.get().is_some());
        self.notify_credentials(CredentialsEvent::Set(&credentials));
        self.run(move |client| client.set_credentials(credentials));
    }

    /// Skips all delays.
    pub(crate) fn hurry(&self) {
        self.notify_credentials(CredentialsEvent::Hurry);
        self.run(|client| client.hurry());
    }

    /// Records that no credentials are available at the moment.
    pub(crate) fn lacks_credentials(&self, cause: Cause) {
        if self.is_held.get() {
            self.failure.replace(Some(cause));
            self.run(|_| {});
        }
    }

    /// Drops the connection. Without a network, the WebSocket would stay open until it has been
    /// silent for too long. The client retries as usual, since the relay may be on this machine.
    pub(crate) fn disconnect(&self) {
        let Some(this) = self.this.upgrade() else {
            return;
        };
        self.run(move |client| {
            if let Some(socket) = this.socket.take() {
                drop(socket);
                this.lose(client, Cause::Unreachable);
            }
        });
    }

    /// Performs the client's next action. Returns whether there may be another one.
    fn follow(&self, client: &mut PageClient) -> bool {
        if self.is_held.get() {
            return false;
        }
        let now = now_ms();
        let action = client.next_action(now);
        if let Some(socket) = &*self.socket.borrow() {
            while let Some(frame) = client.next_frame(now) {
                socket.send(&frame);
            }
        }
        match action {
            ConnectionAction::Stay => return false,
            ConnectionAction::Connect => match self.connect() {
                Ok(socket) => drop(self.socket.replace(Some(socket))),
                Err(error) => self.lose(client, Cause::Invalid(error.to_string().into())),
            },
            ConnectionAction::Disconnect => {
                drop(self.socket.take());
                self.lose(client, Cause::Unreachable);
            }
        }
        true
    }

    /// Records that the connection has ended, with the relay's reason if there is one, or else with
    /// `cause`.
    fn lose(&self, client: &mut PageClient, cause: Cause) {
        let cause = ended(client).unwrap_or(cause);
        client.disconnected(now_ms());
        if is_unauthorized(&cause) {
            self.notify_credentials(CredentialsEvent::Refused);
        }
        self.failure.replace(Some(cause));
    }

    fn connect(&self) -> Result<Socket, Error> {
        let this = self.this.clone();
        self.has_opened.set(false);
        let notify = Rc::new(move |event| {
            if let Some(this) = this.upgrade() {
                this.handle(event);
            }
        });
        Socket::connect(&self.address, notify)
    }

    fn handle(self: Rc<Self>, event: SocketEvent) {
        let now = now_ms();
        match event {
            SocketEvent::Opened => {
                self.has_opened.set(true);
                self.run(move |client| client.connected(now));
            }
            SocketEvent::Frame(frame) => self.run(move |client| client.receive(&frame, now)),
            SocketEvent::Closed => {
                // Drop the socket after its event has been handled, since it owns the handler.
                let socket = self.socket.take();
                after(Duration::ZERO, move || drop(socket));
                let this = Rc::clone(&self);
                self.run(move |client| {
                    let known = this.failure.borrow().clone();
                    // Keep an answer of the relay until the next one.
                    let cause = known.filter(|_| !this.has_opened.get());
                    this.lose(client, cause.unwrap_or(Cause::Unreachable));
                });
                if !self.has_opened.get() {
                    self.probe();
                }
            }
        }
    }

    /// Asks the relay why no WebSocket opens.
    fn probe(&self) {
        if self.is_probing.replace(true) {
            return;
        }
        let this = self.this.clone();
        probe(&self.address, move |cause| {
            let Some(this) = this.upgrade() else {
                return;
            };
            this.is_probing.set(false);
            // If a WebSocket has opened since, its result is more precise.
            if !this.has_opened.get() {
                this.failure.replace(Some(cause));
                this.run(|_| {});
            }
        });
    }

    /// Returns the state of the page's connection.
    pub(crate) fn state(&self, client: &PageClient) -> Connection {
        if client.is_welcome() {
            self.failure.take();
            return Connection::Online;
        }
        if let Some(cause) = ended(client) {
            self.failure.replace(Some(cause));
        }
        match self.failure.borrow().clone() {
            None => Connection::Connecting,
            Some(cause) if is_refusal(&cause) => Connection::Refused(cause),
            Some(cause) => Connection::Offline(cause),
        }
    }

    /// Sets the timer, even if it is already set to the same time. In a hidden page, a browser
    /// delays a timer by up to a minute if another timer has set it, but not if an event has set
    /// it.
    fn wake_at(&self, at: Option<u64>) {
        if let Some(timer) = self.timer.take() {
            timer.clear();
        }
        let Some(at) = at else {
            return;
        };
        let this = self.this.clone();
        let wake = move || {
            if let Some(this) = this.upgrade() {
                this.run(|client| client.wake(now_ms()));
            }
        };
        let delay = Duration::from_millis(at.saturating_sub(now_ms()));
        self.timer
            .replace(set_timeout_with_handle(wake, delay).ok());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.wake_at(None);
    }
}

/// Returns the cause with which the relay or the client ended the last connection.
fn ended(client: &PageClient) -> Option<Cause> {
    let (reason, message) = client.ended()?;
    let message = message.into();
    Some(Cause::Relay { reason, message })
}

fn is_unauthorized(cause: &Cause) -> bool {
    let reason = Reason::Unauthorized;
    matches!(cause, Cause::Relay { reason: known, .. } if *known == reason)
}

/// Returns whether the relay rejects this page in its current state.
fn is_refusal(cause: &Cause) -> bool {
    let reason = Reason::Unsupported;
    is_unauthorized(cause)
        || matches!(cause, Cause::OriginNotAllowed(_))
        || matches!(cause, Cause::Relay { reason: known, .. } if *known == reason)
}
