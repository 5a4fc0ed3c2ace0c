//! Two pages of a browser whose messages arrive in any order, twice, not at all, or damaged.
#![no_main]

use leptos_sync_core::{Time, clock::Window, sync::{Reason, TabMessage, TabMessageKind}};
use leptos_sync_fuzz::{Exchanged, Handle, NOW_MS};
use libfuzzer_sys::fuzz_target;

struct World {
    pages: [Handle; 2],
    /// The queued messages of each page, as bytes.
    waiting: [Vec<Vec<u8>>; 2],
}

impl World {
    /// Sends a message from `from` to the other page.
    fn tell(&mut self, from: usize, kind: TabMessageKind) {
        let document = "board".to_owned();
        let message = TabMessage { document, kind };
        let bytes = message.encode();
        let again = TabMessage::decode(&bytes).expect("what was written can be read");
        assert_eq!(again.encode(), bytes);
        self.waiting[1 - from].push(bytes);
    }

    /// An event in one page. Returns the messages it sends.
    fn act(&self, page: usize, what: u8, value: u8) -> Option<TabMessageKind> {
        if what == 0 {
            self.pages[page].edit(value.into(), value);
            let exchanged = self.pages[page].0.borrow();
            return exchanged
                .outbox
                .transactions()
                .last()
                .cloned()
                .map(TabMessageKind::Edit);
        }
        let Exchanged { doc, outbox } = &mut *self.pages[page].0.borrow_mut();
        let first = outbox.transactions().first()?.upto().clone();
        match what {
            1 => {
                outbox.reject(doc, &first);
                Some(TabMessageKind::Rejected {
                    upto: first,
                    reason: Reason::of_code(value),
                    text: "no".to_owned(),
                })
            }
            2 => {
                let now_ms = NOW_MS - 1_000_000 * u64::from(value);
                let floor = Time::from_ms(now_ms - 10_000);
                let own = doc.replica();
                let done = outbox.restamp(doc, Window { floor, now_ms, latest: Time::ZERO }, |id| id == own);
                let (restamped, _) = done.expect("written operations can be restamped");
                (!restamped.is_empty()).then_some(TabMessageKind::Restamped(restamped))
            }
            3 => {
                outbox.acknowledge(&first);
                None
            }
            _ => Some(TabMessageKind::Request(doc.version().clone())),
        }
    }

    /// A page receives a message. Returns its answers.
    fn hear(&self, page: usize, bytes: &[u8]) -> Vec<TabMessageKind> {
        let mut answers = Vec::new();
        let Ok(message) = TabMessage::decode(bytes) else {
            return answers;
        };
        let Exchanged { doc, outbox } = &mut *self.pages[page].0.borrow_mut();
        match message.kind {
            TabMessageKind::Edit(delta) => drop(outbox.take(doc, &delta)),
            TabMessageKind::Missing(delta) => drop(outbox.apply(doc, &delta)),
            TabMessageKind::Rejected { upto, .. } => drop(outbox.reject(doc, &upto)),
            TabMessageKind::Restamped(all) => drop(outbox.replace(doc, &all)),
            TabMessageKind::Reply(_) => {}
            TabMessageKind::Request(version) => {
                let missing = outbox.base(doc).delta_since(&version);
                answers.extend(missing.ok().map(TabMessageKind::Missing));
                answers.extend(outbox.transactions().iter().cloned().map(TabMessageKind::Edit));
                answers.push(TabMessageKind::Reply(doc.version().clone()));
            }
        }
        doc.assert_invariants();
        outbox.base(doc).assert_invariants();
        answers
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut world = World {
        pages: [Handle::new(1), Handle::new(2)],
        waiting: [Vec::new(), Vec::new()],
    };
    for pair in bytes.chunks_exact(2) {
        let (what, value) = (pair[0], pair[1]);
        let page = usize::from(what & 1);
        let waits = world.waiting[page].len();
        let at = usize::from(value) % waits.max(1);
        match what >> 1 {
            0 if waits > 0 => drop(world.waiting[page].remove(at)),
            1 | 2 if waits > 0 => {
                let bytes = world.waiting[page][at].clone();
                if what >> 1 == 2 {
                    world.waiting[page].remove(at);
                }
                for kind in world.hear(page, &bytes) {
                    world.tell(page, kind);
                }
            }
            3 if waits > 0 => {
                let mut bytes = world.waiting[page][at].clone();
                let place = usize::from(value) * 7 % bytes.len();
                bytes[place] ^= value | 1;
                world.hear(page, &bytes);
            }
            step => {
                if let Some(kind) = world.act(page, step % 8, value) {
                    world.tell(page, kind);
                }
            }
        }
        // A browser would not let this wait either.
        world.waiting[page].truncate(64);
        world.waiting[1 - page].truncate(64);
    }
});
