//! Faults in replicas that are exchanged by positions, and in their storage.

use super::{Fault, Suite};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "a tab does not notice that entries were lost with a restored relay",
        file: "leptos-sync-core/src/doc/replica/settle.rs",
        from: "first > self.told_head(id).number + 1",
        to: "first > self.told_head(id).number + 1 && first == 0",
        suite: Suite::ReplicaRules,
    },
    Fault {
        name: "an outbox is settled before the base has what the heads contain",
        file: "leptos-sync-core/src/doc/replica/comparison.rs",
        from: "session.settles_at = state.head();",
        to: "let _ = &session.settles_at;",
        suite: Suite::ReplicaRules,
    },
    Fault {
        name: "later counts contain an increment that was rejected elsewhere",
        file: "leptos-sync-core/src/doc/replica/settle.rs",
        from: "replica == id && head.is_emptied(number)",
        to: "replica == id && head.is_emptied(number) && number == 0",
        suite: Suite::ReplicaRules,
    },
    Fault {
        name: "a replica does not learn of an epoch that its own edit begins",
        file: "leptos-sync-core/src/doc/replica/session.rs",
        from: "if state.epoch() != Epoch::NONE {",
        to: "if state.epoch() == Epoch::NONE {",
        suite: Suite::ReplicaRules,
    },
    Fault {
        name: "a page is joined although it leaves a gap",
        file: "leptos-sync-core/src/doc/replica/read.rs",
        from: "|| page.after > self.progress.cursor.position.sequence",
        to: "|| page.after > page.upto",
        suite: Suite::ReplicaRules,
    },
    Fault {
        name: "a stored outbox has the order of a clock that was set back",
        file: "leptos-sync-core/src/doc/replica/exchange.rs",
        from: "one.order = one.order.max(last.map_or(Time::ZERO, Time::next));",
        to: "one.order = one.order.max(last.map_or(Time::ZERO, |_| Time::ZERO));",
        suite: Suite::ReplicaStore,
    },
    Fault {
        name: "another tab's write counts as one's own",
        file: "leptos-sync-core/src/engine/replica_store/refresh.rs",
        from: "is_new && write.marker.generation == generation",
        to: "(is_new || generation != 0) && write.marker == marker",
        suite: Suite::ReplicaStore,
    },
    Fault {
        name: "a compared base is appended to the stored one",
        file: "leptos-sync-core/src/doc/replica/comparison.rs",
        from: "self.rewrites += 1;",
        to: "self.rewrites += 0;",
        suite: Suite::ReplicaStore,
    },
    Fault {
        name: "an incomplete base has removed what it lacks",
        file: "leptos-sync-core/src/doc/replica/comparison.rs",
        from: "sequence <= point && complete >= point",
        to: "sequence <= point && complete >= Sequence::ZERO",
        suite: Suite::Replica,
    },
    Fault {
        name: "removals that the relay would still keep are not offered",
        file: "leptos-sync-core/src/doc/replica/comparison.rs",
        from: "|| ours.stamp.time >= floor;",
        to: "|| floor > ours.stamp.time;",
        suite: Suite::Replica,
    },
    Fault {
        name: "acknowledgements of a lost history count",
        file: "leptos-sync-core/src/doc/replica/session.rs",
        from: ".is_some_and(|at| !epochs.contains(head, at))",
        to: ".is_some_and(|at| !epochs.contains(head, at) && at.sequence == Sequence::ZERO)",
        suite: Suite::ReplicaSimulation,
    },
    Fault {
        name: "an old count of a restored disk replaces a later one",
        file: "leptos-sync-core/src/doc/replica/settle.rs",
        from: "changes.append(self.reconcile_counts(doc)?);",
        to: "if self.entries.is_empty() { changes.append(self.reconcile_counts(doc)?); }",
        suite: Suite::Replica,
    },
    Fault {
        name: "later counts of the same page contain a rejected increment",
        file: "leptos-sync-core/src/doc/replica/reject.rs",
        from: "if !added.is_empty() {",
        to: "if added.len() > 9 {",
        suite: Suite::Replica,
    },
    Fault {
        name: "restamping an entry leaves the later ones behind",
        file: "leptos-sync-core/src/doc/replica/restamp.rs",
        from: "if follows && one.entry.time <= last && !is_fixed {",
        to: "if follows && one.entry.time < one.order && !is_fixed {",
        suite: Suite::Replica,
    },
];
