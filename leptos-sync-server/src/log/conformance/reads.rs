//! What the histories read, compared with a [`Model`].

use std::sync::Arc;

use leptos_sync_core::{
    ReplicaId,
    history::{Page, Sequence},
};

use super::{
    cells::{by_path, bytes as size, fails, listed, succeeds},
    history::{World, name},
    model::{Model, Numbered},
};

const IDS: u64 = 5;

impl World {
    /// Reads one page. Returns its last number, unless it is the last page.
    pub(super) async fn page(&mut self, document: usize, after: u64, bytes: usize) -> Option<u64> {
        let log = Arc::clone(&self.log);
        let read = log.page(name(document), Sequence::new(after), bytes).await;
        let model = self.model(document).clone();
        if model.is_removed {
            assert!(fails(read, "a page").is_removed());
            return None;
        }
        let Some(page) = succeeds(read, "page") else {
            assert!(after < model.horizon, "a page after {after} was refused");
            return None;
        };
        assert!(after >= model.horizon, "a page lacks forgotten tombstones");
        self.state(document, &page.state);
        check_page(&page, &model, after, bytes);
        (page.upto.get() < model.sequence).then_some(page.upto.get())
    }

    pub(super) async fn pages(&mut self, document: usize, bytes: usize) {
        let mut next = Some(self.model(document).horizon);
        while let Some(after) = next {
            next = self.page(document, after, bytes).await;
        }
    }

    pub(super) async fn ranges(&mut self, document: usize, bytes: usize) {
        let log = Arc::clone(&self.log);
        let model = self.model(document).clone();
        let mut expected = model.cells.iter();
        let mut after = None;
        loop {
            let range = log.range(name(document), after, bytes).await;
            if model.is_removed {
                assert!(fails(range, "a range").is_removed());
                return;
            }
            let range = succeeds(range, "range");
            self.state(document, &range.state);
            let cells = listed(&range.cells);
            assert_eq!(cells.len(), range.sequences.len());
            for ((path, cell), sequence) in cells.iter().zip(&range.sequences) {
                let (at, numbered) = expected.next().expect("the document has this cell");
                assert_eq!((path, cell), (at, &numbered.cell), "a range is in order");
                assert_eq!(sequence.get(), numbered.sequence);
            }
            let all = cells.iter().map(|(path, cell)| size(path, cell));
            let all = all.collect::<Vec<_>>();
            let but_last = all.split_last().map_or(0, |(_, rest)| rest.iter().sum());
            assert!(but_last <= bytes, "a range exceeds its size");
            let Some(upto) = range.upto else {
                break;
            };
            assert_eq!(cells.last().map(|(path, _)| path), Some(&upto));
            after = Some(upto);
        }
        assert!(expected.next().is_none(), "the ranges have all cells");
    }

    pub(super) async fn check(&mut self, document: usize) {
        let log = Arc::clone(&self.log);
        let ids: Vec<_> = (1..=IDS).map(ReplicaId::new).collect();
        let history = log.open(name(document), ids.clone()).await;
        let model = self.model(document).clone();
        if model.is_removed {
            assert!(fails(history, "opening").is_removed());
            return;
        }
        let history = succeeds(history, "open");
        self.state(document, &history.state);
        assert_eq!(history.horizon.get(), model.horizon, "the horizon");
        assert_eq!(history.floor, model.floor, "the floor");
        let heads: Vec<_> = ids.iter().map(|id| (*id, model.head(*id))).collect();
        assert_eq!(history.heads, heads, "the heads of ids");
        let epochs = model.periods.iter().map(|(period, first)| {
            let epoch = self.epochs.get(period).copied().unwrap_or_default();
            (epoch, Sequence::new(*first))
        });
        assert_eq!(history.epochs.list(), epochs.collect::<Vec<_>>());
        assert!(!history.epochs.has_dropped());
    }
}

fn check_page(page: &Page, model: &Model, after: u64, bytes: usize) {
    let upto = page.upto.get();
    assert_eq!((page.after.get(), page.floor), (after, model.floor));
    assert!(upto <= model.sequence && (upto > after || upto == model.sequence));
    let within = |cell: &Numbered| cell.sequence > after && cell.sequence <= upto;
    let expected = model.cells.iter().filter(|(_, cell)| within(cell));
    let expected = expected.map(|(path, cell)| (path.clone(), cell.cell.clone()));
    assert_eq!(by_path(&page.cells), expected.collect(), "whole numbers");
    let changed = model.cells.iter().filter(|(_, cell)| within(cell));
    let last = changed.clone().map(|(_, cell)| cell.sequence).max();
    let but_last = changed.filter(|(_, cell)| Some(cell.sequence) < last);
    let but_last: usize = but_last.map(|(path, cell)| size(path, &cell.cell)).sum();
    assert!(but_last <= bytes, "a page exceeds its size by a number");
}
