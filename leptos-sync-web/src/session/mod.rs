//! The connection of a page to its relay, which all its documents share.
//!
//! A core's `Client` decides; this lends it a WebSocket, the time and a timer.

mod probe;
mod socket;

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use leptos::prelude::{TimeoutHandle, document, set_timeout_with_handle, window};
use leptos_sync_core::{
    Error,
    sync::{Client, Document, Link, Reason},
};

use self::{
    probe::probe,
    socket::{Socket, SocketEvent, resolve},
};
use crate::{
    live::{Cause, Connection},
    task::{after, spawn},
};

/// The client of a page's documents, whatever their types.
pub(crate) type PageClient = Client<Box<dyn Document>>;

/// Drives the client. Whatever is done with it goes through [`run`](Session::run), for its documents may answer by asking for
/// more.
pub(crate) struct Session {
    this: Weak<Self>,
    client: RefCell<PageClient>,
    /// What is to be done with the client next.
    jobs: RefCell<Vec<Job>>,
    address: String,
    socket: RefCell<Option<Socket>>,
    timer: RefCell<Option<TimeoutHandle>>,
    /// The state that was reported last, and who reports it.
    reported: RefCell<Connection>,
    report: Box<Report>,
    /// Why there is no connection, if one was tried.
    failure: RefCell<Option<Cause>>,
    /// Whether the present WebSocket has opened.
    has_opened: Cell<bool>,
    /// Whether the relay is being asked why no WebSocket opens.
    is_probing: Cell<bool>,
    /// What renews the credentials, if anything does.
    credentials: OnceCell<Box<CredentialsObserver>>,
    /// Whether credentials have to be fetched before the page connects.
    is_held: Cell<bool>,
}

/// What happens to a page's credentials.
pub(crate) enum CredentialsEvent<'a> {
    /// They are used from now on. Empty: there are none.
    Set(&'a [u8]),
    /// The relay refused them.
    Refused,
    /// The relay accepted them.
    Accepted,
}

type CredentialsObserver = dyn Fn(CredentialsEvent<'_>);

type Job = Box<dyn FnOnce(&mut PageClient)>;

/// Reports the state of the connection whenever it changes.
type Report = dyn Fn(&Connection);

impl Session {
    /// A session that connects as soon as it has a document to exchange.
    pub(crate) fn new(
        relay: &str,
        seed: u64,
        max_documents: usize,
        report: Box<Report>,
    ) -> Result<Rc<Self>, Error> {
        let address = resolve(
            relay,
            &document().base_uri().ok().flatten().unwrap_or_default(),
        )?;
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

    /// Does something with the client, now or as soon as what is being done with it is done, and then what follows from it.
    pub(crate) fn run(&self, job: impl FnOnce(&mut PageClient) + 'static) {
        self.run_boxed(Box::new(job));
    }

    #[inline(never)]
    fn run_boxed(&self, job: Job) {
        self.jobs.borrow_mut().push(job);
        let Ok(mut client) = self.client.try_borrow_mut() else {
            return;
        };
        loop {
            // What they ask for in turn comes after them.
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

    /// Sets who is notified of what happens to the credentials. It fetches some if there are none.
    pub(crate) fn observe_credentials(&self, observer: Box<CredentialsObserver>) {
        let _ = self.credentials.set(observer);
    }

    fn notify_credentials(&self, event: CredentialsEvent<'_>) {
        if let Some(observer) = self.credentials.get() {
            observer(event);
        }
    }

    /// Shows other credentials from now on.
    pub(crate) fn set_credentials(&self, credentials: Vec<u8>) {
        self.is_held
            .set(credentials.is_empty() && self.credentials.get().is_some());
        self.notify_credentials(CredentialsEvent::Set(&credentials));
        self.run(move |client| client.set_credentials(credentials));
    }

    /// There are no credentials for the moment.
    pub(crate) fn lacks_credentials(&self, cause: Cause) {
        if self.is_held.get() {
            self.failure.replace(Some(cause));
            self.run(|_| {});
        }
    }

    /// Gives the connection up, for a WebSocket goes on without the network until it has been silent for too long, and tries
    /// again as ever: the relay may be on this very machine.
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

    /// Whether the relay refuses this page.
    pub(crate) fn is_refused(&self) -> bool {
        self.reported.borrow().is_refused()
    }

    /// Does what the client wants done. Returns whether it should be asked once more.
    fn follow(&self, client: &mut PageClient) -> bool {
        if self.is_held.get() {
            return false;
        }
        let now = now_ms();
        let link = client.link(now);
        if let Some(socket) = &*self.socket.borrow() {
            while let Some(frame) = client.next_frame(now) {
                socket.send(&frame);
            }
        }
        match link {
            Link::Stay => return false,
            Link::Connect => match self.connect() {
                Ok(socket) => drop(self.socket.replace(Some(socket))),
                Err(error) => self.lose(client, Cause::Invalid(error.to_string().into())),
            },
            Link::Disconnect => {
                drop(self.socket.take());
                self.lose(client, Cause::Unreachable);
            }
        }
        true
    }

    /// Takes note that there is no connection, and why, unless the relay has said why.
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
                // Not within its own event: the socket's functions go with it.
                let socket = self.socket.take();
                after(Duration::ZERO, move || drop(socket));
                let this = Rc::clone(&self);
                self.run(move |client| {
                    let known = this.failure.borrow().clone();
                    // What is known of it holds until the next answer.
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
    fn probe(self: Rc<Self>) {
        if self.is_probing.replace(true) {
            return;
        }
        spawn(async move {
            let cause = probe(&self.address).await;
            self.is_probing.set(false);
            self.failure.replace(Some(cause));
            // The state has changed.
            self.run(|_| {});
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

    /// Sets the timer anew, also where it was set to the same time: of a page that nobody sees, a browser delays by a minute each
    /// timer that was set by one before it, and none that was set when something came.
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

/// Why the relay, or the client, ended the last connection.
fn ended(client: &PageClient) -> Option<Cause> {
    let (reason, message) = client.ended()?;
    let message = message.into();
    Some(Cause::Relay { reason, message })
}

fn is_unauthorized(cause: &Cause) -> bool {
    let reason = Reason::Unauthorized;
    matches!(cause, Cause::Relay { reason: known, .. } if *known == reason)
}

/// Whether the relay does not want this page as it is.
fn is_refusal(cause: &Cause) -> bool {
    let reason = Reason::Unsupported;
    is_unauthorized(cause)
        || matches!(cause, Cause::OriginNotAllowed(_))
        || matches!(cause, Cause::Relay { reason: known, .. } if *known == reason)
}

/// Milliseconds of a clock that only goes forward.
fn now_ms() -> u64 {
    // Whole ones, and a little late: a timer may go off a fraction early.
    window().performance().map_or(0, |clock| clock.now() as u64)
}
