use std::sync::Arc;

use super::Doc;
use crate::{
    clock::Time,
    crdt::{OldCell, Quarantine, Root, TombstoneChange, Tombstones},
    error::Error,
    path::PathBuf,
};

/// The number of tombstones in typed views from which a document packs them. They take less memory
/// than the code that packs them.
const PACKED_FROM: usize = 512;

impl<S: Root> Doc<S> {
    /// Packs the tombstones of the typed views if there are many, also in relation to the packed
    /// ones, which may have to be written again. Amortized O(1) for each tombstone, if the views
    /// have few other entries.
    ///
    /// A document with versions packs none, because a view finds the entries beyond a version.
    pub(super) fn pack_many(&mut self) {
        if self.versioning.is_none() {
            self.pack_tombstones(PACKED_FROM.max(self.packed.len() / 32));
        }
    }

    /// Packs the tombstones of the typed views if there are at least `least`. O(fields), or
    /// O(entries).
    pub(super) fn pack_tombstones(&mut self, least: usize) {
        if self.state.tombstones() < least.max(1) {
            return;
        }
        // Do not copy a state that a reader shares.
        if let Some(state) = Arc::get_mut(&mut self.state) {
            let mut taken = Quarantine::default();
            state.take_tombstones(&mut PathBuf::new(), &mut |path, stamp| {
                taken.put(path, stamp, None, None);
            });
            self.packed.change(&taken, TombstoneChange::Add);
        }
    }

    /// Replaces the packed tombstones with stored ones. Returns the latest time.
    ///
    /// # Errors
    ///
    /// If they are damaged. An error changes nothing.
    pub(super) fn load_packed(&mut self, envelope: &[u8]) -> Result<Time, Error> {
        let (packed, latest) = Tombstones::decode(envelope)?;
        self.packed = packed;
        self.clock.resume(latest);
        Ok(latest)
    }
}

/// Returns the packed tombstone at `path` as a cell.
pub(super) fn packed_cell(packed: &Tombstones, path: &PathBuf) -> Option<OldCell<'static>> {
    Some(OldCell {
        stamp: packed.get(path.as_path())?,
        value: None,
        place: Default::default(),
        is_count: false,
        tags: None,
    })
}

#[cfg(test)]
mod tests;
