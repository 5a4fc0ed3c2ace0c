//! Faults in logs with numbered histories, and in what a relay answers about them.

use super::{Fault, Suite};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "a log takes an entry that does not follow the hash of its id's head",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "if !follows || entry.previous != id.hash",
        to: "if !follows",
        suite: Suite::Log,
    },
    Fault {
        name: "a log takes an entry whose time does not rise",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "if entry.time <= id.time",
        to: "if entry.time < id.time",
        suite: Suite::Log,
    },
    Fault {
        name: "a log takes an entry below the floor at a path without a cell",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "!entry.cells.is_empty() && entry.time < self.floor",
        to: "entry.time == Time::ZERO && entry.time < self.floor && !entry.cells.is_empty()",
        suite: Suite::Log,
    },
    Fault {
        name: "an offer is not taken up to the latest time of its witness",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "|| time <= latest && time.ms()",
        to: "|| time < latest && time.ms()",
        suite: Suite::Log,
    },
    Fault {
        name: "a floor rises beyond the latest cell",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "self.floor.max(before.min(self.latest.next()))",
        to: "self.floor.max(before)",
        suite: Suite::Log,
    },
    Fault {
        name: "a page is sent below the horizon",
        file: "leptos-sync-server/src/log/v2/sqlite/read.rs",
        from: "if after < head.horizon {",
        to: "if after < head.horizon.previous() {",
        suite: Suite::Log,
    },
    Fault {
        name: "a page divides the cells of a number",
        file: "leptos-sync-server/src/log/v2/sqlite/read.rs",
        from: "if size >= bytes.max(1) && cell.sequence > last {",
        to: "if size >= bytes.max(1) && cell.sequence >= last {",
        suite: Suite::Log,
    },
    Fault {
        name: "a tombstone is forgotten soon after it was received",
        file: "leptos-sync-server/src/log/v2/sqlite/cells.rs",
        from: "AND received < ?2 AND time < ?3 AND",
        to: "AND received < ?2 + 100000 AND time < ?3 AND",
        suite: Suite::Log,
    },
    Fault {
        name: "a log takes an entry of another user's id",
        file: "leptos-sync-server/src/log/v2/sqlite/draft.rs",
        from: "if old.is_some_and(|old| Some(old.user) != user.number) {",
        to: "if old.is_some_and(|old| Some(old.user) != user.number && old.user < 0) {",
        suite: Suite::Log,
    },
    Fault {
        name: "an epoch is not noted when it begins",
        file: "leptos-sync-server/src/log/v2/head.rs",
        from: "let begins = self.epoch != epoch;",
        to: "let begins = self.epoch == Epoch::NONE;",
        suite: Suite::StoredDocument,
    },
    Fault {
        name: "a relay does not notice that it has lost the last change",
        file: "leptos-sync-server/src/relay/v2/open.rs",
        from: "read == position.sequence && heard == told.sequence",
        to: "read <= position.sequence && heard.next() >= told.sequence",
        suite: Suite::StoredDocument,
    },
    Fault {
        name: "a comparison that was interrupted is forgotten",
        file: "leptos-sync-server/src/relay/v2/open.rs",
        from: "has_diverged || opening.comparing",
        to: "has_diverged && (opening.comparing || has_diverged)",
        suite: Suite::ProtocolLog,
    },
    Fault {
        name: "live clients get cells that have lost",
        file: "leptos-sync-server/src/relay/v2/push.rs",
        from: "if pushed.has_lost {",
        to: "if pushed.has_lost && stored.is_empty() {",
        suite: Suite::ProtocolLog,
    },
    Fault {
        name: "cells are restored for a client without a seal",
        file: "leptos-sync-server/src/relay/v2/stored_document.rs",
        from: "let is_complete = is_sealed || cells.is_empty();",
        to: "let is_complete = is_sealed || !cells.is_empty() || cells.is_empty();",
        suite: Suite::StoredDocument,
    },
];
