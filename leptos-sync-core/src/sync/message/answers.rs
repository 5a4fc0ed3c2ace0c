use crate::{
    history::{Ack, CellRange, Opened, Page, Sequence},
    sync::message::fields::{Fields, Writer},
};

impl Writer<'_> {
    pub(super) fn opened(&mut self, opened: &Opened) {
        self.number(opened.now_ms);
        self.number(opened.floor.get());
        self.sequence(opened.horizon);
        self.sequence(opened.point);
        self.byte(opened.diverged.into());
        self.epoch_list(&opened.tail);
        self.state(&opened.state);
        self.id_heads(&opened.heads);
    }

    pub(super) fn page(&mut self, page: &Page) {
        self.sequence(page.after);
        self.number(page.upto.get().saturating_sub(page.after.get()));
        self.number(page.floor.get());
        self.state(&page.state);
        self.patch(&page.cells);
    }

    /// Writes a range to the end of the message. Each cell has one number, so their count is known.
    pub(super) fn range(&mut self, range: &CellRange) {
        self.path(range.upto.as_ref());
        self.state(&range.state);
        self.patch(&range.cells);
        for sequence in &range.sequences {
            self.sequence(*sequence);
        }
    }

    pub(super) fn ack(&mut self, ack: &Ack) {
        self.entry_id(ack.id);
        self.number(ack.count);
        self.sequence(ack.first);
        self.state(&ack.state);
    }
}

impl Fields<'_> {
    pub(super) fn page(&mut self) -> Page {
        let after = self.sequence();
        let upto = after.get().checked_add(self.number());
        let page = Page {
            after,
            upto: Sequence::new(upto.unwrap_or(u64::MAX)),
            floor: self.time(),
            state: self.state(),
            cells: self.patch(),
        };
        if upto.is_none() || page.upto > page.state.head() {
            self.malformed();
        }
        page
    }

    pub(super) fn opened(&mut self) -> Opened {
        let opened = Opened {
            now_ms: self.number(),
            floor: self.time(),
            horizon: self.sequence(),
            point: self.sequence(),
            diverged: self.flag(),
            tail: self.epochs(false).list().to_vec(),
            state: self.state(),
            heads: self.id_heads(),
        };
        if opened.point.max(opened.horizon) > opened.state.head() {
            self.malformed();
        }
        opened
    }

    pub(super) fn range(&mut self) -> CellRange {
        let mut range = CellRange {
            upto: self.path(),
            state: self.state(),
            cells: self.patch(),
            sequences: Vec::new(),
        };
        // Stop at the end of the message, so that few bytes do not declare many cells.
        while range.sequences.len() < range.cells.len() && !self.is_empty() {
            range.sequences.push(self.sequence());
        }
        if range.sequences.len() < range.cells.len() {
            self.malformed();
        }
        range
    }

    pub(super) fn ack(&mut self) -> Ack {
        let ack = Ack {
            id: self.entry_id(),
            count: self.number(),
            first: self.sequence(),
            state: self.state(),
        };
        let before = ack.first.get().checked_sub(1);
        let last = before.and_then(|before| before.checked_add(ack.count));
        let stored = last.is_some_and(|last| last <= ack.state.head().get());
        let named = ack.id.number.checked_add(ack.count).is_some();
        if ack.count == 0 || !stored || !named {
            self.malformed();
        }
        ack
    }
}
