//! Plausible faults of the relay's connections, each with the tests that must find it.

use super::{Fault, Suite};

/// All faults of connections.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "changes that are stored while a client reads are not queued",
        file: "leptos-sync-server/src/relay/read.rs",
        from: "self.queue.follow(channel);\n        let page = stored.read(after).await;",
        to: "let page = stored.read(after).await;\n        self.queue.follow(channel);",
        suite: Suite::Relay,
    },
    Fault {
        name: "a client that has not read everything receives live pages",
        file: "leptos-sync-server/src/relay/read.rs",
        from: "if page.upto < page.state.head() {\n            self.queue.unfollow(channel);",
        to: "if page.upto > page.state.head() {\n            self.queue.unfollow(channel);",
        suite: Suite::Relay,
    },
    Fault {
        name: "the rest of a push is dropped",
        file: "leptos-sync-server/src/relay/push.rs",
        from: "entries: stored.rest,",
        to: "entries: Vec::new(),",
        suite: Suite::TooLarge,
    },
    Fault {
        name: "a transaction over the limit is stored if it is compressed",
        file: "leptos-sync-server/src/relay/stored/push.rs",
        from: "|| entry.cells.bytes() > TRANSACTION_BYTES",
        to: "|| entry.cells.envelope_bytes() / 16 > TRANSACTION_BYTES",
        suite: Suite::LargestMessages,
    },
    Fault {
        name: "nobody reads an edit that was stored although the log failed",
        file: "leptos-sync-server/src/relay/push.rs",
        from: "pushed.inspect_err(|_| self.room.catch_up())?",
        to: "pushed?",
        suite: Suite::Neighbours,
    },
    Fault {
        name: "a user's readings take all turns",
        file: "leptos-sync-server/src/relay/readings.rs",
        from: "let of_user = user.acquire_owned().await.ok()?;",
        to: "let of_user = Arc::new(Semaphore::new(1)).acquire_owned().await.ok()?;\n        drop(user);",
        suite: Suite::Neighbours,
    },
];
