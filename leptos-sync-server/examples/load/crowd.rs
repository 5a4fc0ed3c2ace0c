use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    Failure,
    connection::{Connection, Pace, Turns},
    figures::Figures,
    issuer::Issuer,
};

/// The number of connections.
pub(crate) const CONNECTIONS: usize = 10_000;

/// The number of documents with one writer and many readers.
pub(crate) const STAGES: usize = 100;

/// The number of readers of each such document.
pub(crate) const READERS: usize = 20;

/// The number of writers that have a document of their own.
pub(crate) const LONE_WRITERS: usize = 1_000;

/// The number of connections to each document that nothing edits.
const IDLE: usize = 10;

/// The number of connections that are opened at a time. A separate measurement reconnects all at
/// once.
const AT_ONCE: usize = 250;

/// All connections, each with a user and an open document.
pub(crate) struct Crowd {
    pub(crate) figures: Arc<Figures>,
    /// The pace of the writers with many readers.
    pub(crate) performers: watch::Sender<Pace>,
    pub(crate) lone_writers: watch::Sender<Pace>,
}

/// The role of one connection.
enum Role {
    Performs(usize),
    WritesAlone(usize),
    Listens,
}

impl Crowd {
    /// Opens the first `count` connections, a few at a time.
    pub(crate) async fn gather(
        count: usize,
        address: SocketAddr,
        issuer: &Issuer,
    ) -> Result<Self, Failure> {
        let crowd = Self {
            figures: Arc::new(Figures::new()?),
            performers: watch::Sender::new(Pace::default()),
            lone_writers: watch::Sender::new(Pace::default()),
        };
        for at in 0..count {
            let (role, document) = place(at);
            let turns = match role {
                Role::Performs(place) => turns(&crowd.performers, place, STAGES),
                Role::WritesAlone(place) => turns(&crowd.lone_writers, place, LONE_WRITERS),
                Role::Listens => Turns::new(watch::channel(Pace::default()).1, 0, 1),
            };
            let token = issuer.token(&format!("user {at}"));
            let id = at as u64 + 1;
            let connection = Connection::new(address, token, &document, id, &crowd.figures, turns)?;
            tokio::spawn(connection.run());
            if at % AT_ONCE == 0 || at + 1 == count {
                crowd.wait("connected", at + 1, 0).await?;
            }
        }
        Ok(crowd)
    }

    /// Waits until `open` connections are open and at least `lost` have been lost.
    pub(crate) async fn wait(&self, what: &str, open: usize, lost: usize) -> Result<(), Failure> {
        let start = Instant::now();
        let is_there = || {
            let gone = self.figures.lost.load(std::sync::atomic::Ordering::Relaxed);
            self.figures.is_open(open) && gone >= lost
        };
        while !is_there() {
            if start.elapsed() > PATIENCE {
                let there = self.figures.open.load(std::sync::atomic::Ordering::Relaxed);
                return Err(format!("{there} of {open} {what} after {PATIENCE:?}").into());
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

/// The time after which waiting fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// The time between two checks.
const POLL: Duration = Duration::from_millis(10);

fn turns(pace: &watch::Sender<Pace>, place: usize, writers: usize) -> Turns {
    Turns::new(pace.subscribe(), place as u32, writers as u32)
}

/// Returns the role of a connection and the name of its document.
fn place(at: usize) -> (Role, String) {
    let audience = STAGES * (READERS + 1);
    if at < STAGES {
        (Role::Performs(at), format!("stage {at}"))
    } else if at < audience {
        (Role::Listens, format!("stage {}", at % STAGES))
    } else if at < audience + LONE_WRITERS {
        let place = at - audience;
        (Role::WritesAlone(place), format!("desk {place}"))
    } else {
        (Role::Listens, format!("library {}", at / IDLE))
    }
}
