//! The connection of a page to its relay, which all its documents share.
//!
//! A core's `Client` decides; this lends it a WebSocket, the time and a timer.

mod socket;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::Arc,
    time::Duration,
};

use leptos::prelude::{TimeoutHandle, document, set_timeout_with_handle, window};
use leptos_sync_core::{
    Error,
    sync::{Client, Document, Link, Reason},
};

use self::socket::{Socket, SocketEvent, resolve};
use crate::{
    live::{Connection, Refusal},
    task::after,
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
    /// What was told of the connection last, and who is told.
    told: Cell<Connection>,
    tell: Box<Tell>,
    /// Whether the relay was not there when it was tried last.
    lost: Cell<bool>,
}

type Job = Box<dyn FnOnce(&mut PageClient)>;

/// Is told how the page stands to the relay, whenever that changes.
type Tell = dyn Fn(Connection, Option<Arc<Refusal>>);

impl Session {
    /// A session that connects as soon as it has a document to exchange.
    pub(crate) fn new(
        relay: &str,
        credentials: Vec<u8>,
        seed: u64,
        tell: Box<Tell>,
    ) -> Result<Rc<Self>, Error> {
        let address = resolve(
            relay,
            &document().base_uri().ok().flatten().unwrap_or_default(),
        )?;
        Ok(Rc::new_cyclic(|this| Self {
            this: this.clone(),
            client: RefCell::new(Client::new(credentials, seed)),
            jobs: RefCell::default(),
            address,
            socket: RefCell::default(),
            timer: RefCell::default(),
            told: Cell::new(Connection::Connecting),
            tell,
            lost: Cell::default(),
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
        let (connection, reason) = self.state(&client);
        let wake_at = client.wake_at();
        drop(client);
        self.wake_at(wake_at);
        if self.told.replace(connection) != connection {
            (self.tell)(connection, reason);
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
                this.lose(client, now_ms());
            }
        });
    }

    /// How the page stands to the relay.
    pub(crate) fn connection(&self) -> Connection {
        self.told.get()
    }

    /// Does what the client wants done. Returns whether it should be asked once more.
    fn follow(&self, client: &mut PageClient) -> bool {
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
                Err(_) => self.lose(client, now),
            },
            Link::Disconnect => {
                drop(self.socket.take());
                self.lose(client, now);
            }
        }
        true
    }

    fn lose(&self, client: &mut PageClient, now: u64) {
        self.lost.set(true);
        client.disconnected(now);
    }

    fn connect(&self) -> Result<Socket, Error> {
        let this = self.this.clone();
        let event = Rc::new(move |event| {
            let Some(this) = this.upgrade() else {
                return;
            };
            let now = now_ms();
            match event {
                SocketEvent::Opened => this.run(move |client| client.connected(now)),
                SocketEvent::Frame(frame) => this.run(move |client| client.receive(&frame, now)),
                SocketEvent::Closed => {
                    // Not within its own event: the socket's functions go with it.
                    let socket = this.socket.take();
                    after(Duration::ZERO, move || drop(socket));
                    this.lost.set(true);
                    this.run(move |client| client.disconnected(now));
                }
            }
        });
        Socket::connect(&self.address, event)
    }

    /// How the page stands to the relay now, and why.
    pub(crate) fn state(&self, client: &PageClient) -> (Connection, Option<Arc<Refusal>>) {
        if client.is_welcome() {
            self.lost.set(false);
            return (Connection::Online, None);
        }
        let reason = client.ended().map(|(reason, text)| Refusal {
            reason,
            text: text.to_owned(),
        });
        let connection = match &reason {
            Some(Refusal {
                reason: Reason::Unauthorized | Reason::Unsupported,
                ..
            }) => Connection::Refused,
            _ if self.lost.get() => Connection::Offline,
            _ => Connection::Connecting,
        };
        (connection, reason.map(Arc::new))
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

/// Milliseconds of a clock that only goes forward.
fn now_ms() -> u64 {
    // Whole ones, and a little late: a timer may go off a fraction early.
    window().performance().map_or(0, |clock| clock.now() as u64)
}
