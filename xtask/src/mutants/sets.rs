//! Faults in sets, and in registers with concurrent values.

use super::{Fault, Suite};

/// The faults.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "adding a present element writes another tag",
        file: "leptos-sync-core/src/doc/tagged.rs",
        from: "if !self.contains(&element) && self.allows(",
        to: "if self.allows(",
        suite: Suite::ReplicaTags,
    },
    Fault {
        name: "a removal removes only one tag of an element",
        file: "leptos-sync-core/src/doc/tagged.rs",
        from: "tags.collect::<Vec<_>>()))",
        to: "tags.take(1).collect::<Vec<_>>()))",
        suite: Suite::Sets,
    },
    Fault {
        name: "a write keeps the values that it has seen",
        file: "leptos-sync-core/src/doc/tagged.rs",
        from: "let tags: Vec<_> = self.tags().collect();",
        to: "let tags: Vec<_> = self.tags().skip(1).collect();",
        suite: Suite::Sets,
    },
    Fault {
        name: "a writer creates an id twice",
        file: "leptos-sync-core/src/id/source.rs",
        from: "self.count += 1;",
        to: "self.count += u64::from(self.count == 0);",
        suite: Suite::Sets,
    },
    Fault {
        name: "two clones of a page keep the same tags",
        file: "leptos-sync-core/src/crdt/tagged/names.rs",
        from: "    tags.binary_search(&tag).ok()?;",
        to: "    tags.binary_search(&tag).ok().filter(|_| tags.is_empty())?;",
        suite: Suite::ReplicaTags,
    },
];
