//! Two pages of a browser that tell each other what they do, in any order, twice, not at all, or damaged.
#![no_main]

use leptos_sync_core::{
    Time, Window,
    sync::{News, Reason, Told},
};
use leptos_sync_fuzz::{Exchanged, Handle, NOW_MS};
use libfuzzer_sys::fuzz_target;

struct World {
    pages: [Handle; 2],
    /// What waits to be heard by each, as bytes.
    waiting: [Vec<Vec<u8>>; 2],
}

impl World {
    /// `from` tells the other.
    fn tell(&mut self, from: usize, news: News) {
        let document = "board".to_owned();
        let told = Told { document, news };
        let bytes = told.encode();
        let again = Told::decode(&bytes).expect("what was written can be read");
        assert_eq!(again.encode(), bytes);
        self.waiting[1 - from].push(bytes);
    }

    /// Something happens in one page. Returns what it tells.
    fn act(&self, page: usize, what: u8, value: u8) -> Option<News> {
        if what == 0 {
            self.pages[page].edit(value.into(), value);
            let exchanged = self.pages[page].0.borrow();
            return exchanged
                .outbox
                .transactions()
                .last()
                .cloned()
                .map(News::Edit);
        }
        let Exchanged { doc, outbox } = &mut *self.pages[page].0.borrow_mut();
        let first = outbox.transactions().first()?.upto().clone();
        match what {
            1 => {
                outbox.reject(doc, &first);
                Some(News::Rejected {
                    upto: first,
                    reason: Reason::of_code(value),
                    text: "no".to_owned(),
                })
            }
            2 => {
                let now_ms = NOW_MS - 1_000_000 * u64::from(value);
                let floor = Time::from_ms(now_ms - 10_000);
                let own = doc.replica();
                let done = outbox.restamp(doc, Window { floor, now_ms }, |id| id == own);
                let (restamped, _) = done.expect("what was written can be stamped anew");
                (!restamped.is_empty()).then_some(News::Restamped(restamped))
            }
            3 => {
                outbox.acknowledge(&first);
                None
            }
            _ => Some(News::Ask(doc.version().clone())),
        }
    }

    /// A page hears something. Returns what it answers.
    fn hear(&self, page: usize, bytes: &[u8]) -> Vec<News> {
        let mut answers = Vec::new();
        let Ok(told) = Told::decode(bytes) else {
            return answers;
        };
        let Exchanged { doc, outbox } = &mut *self.pages[page].0.borrow_mut();
        match told.news {
            News::Edit(delta) => drop(outbox.take(doc, &delta)),
            News::Missing(delta) => drop(outbox.apply(doc, &delta)),
            News::Rejected { upto, .. } => drop(outbox.reject(doc, &upto)),
            News::Restamped(all) => drop(outbox.replace(doc, &all)),
            News::Answer(_) => {}
            News::Ask(version) => {
                let missing = outbox.base(doc).delta_since(&version);
                answers.extend(missing.ok().map(News::Missing));
                answers.extend(outbox.transactions().iter().cloned().map(News::Edit));
                answers.push(News::Answer(doc.version().clone()));
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
                for news in world.hear(page, &bytes) {
                    world.tell(page, news);
                }
            }
            3 if waits > 0 => {
                let mut bytes = world.waiting[page][at].clone();
                let place = usize::from(value) * 7 % bytes.len();
                bytes[place] ^= value | 1;
                world.hear(page, &bytes);
            }
            step => {
                if let Some(news) = world.act(page, step % 8, value) {
                    world.tell(page, news);
                }
            }
        }
        // What a browser would not let wait either.
        world.waiting[page].truncate(64);
        world.waiting[1 - page].truncate(64);
    }
});
