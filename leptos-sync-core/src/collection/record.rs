use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter, envelope::Kind},
    crdt::{Applied, PRESENT, Quarantine, Records, Root},
    delta::Body,
    error::Error,
    path::{Path, PathBuf},
    version::VersionVector,
};

/// A stored record: its cells, with paths relative to it, and the presence cell.
#[derive(Clone)]
pub(super) struct StoredRecord<T> {
    /// The presence cell: the stamp of the last insertion or removal, and whether it was an
    /// insertion.
    pub(super) present: Option<(Stamp, bool)>,
    pub(super) record: T,
    /// The cells that the record's type does not know.
    unknown: Quarantine,
    /// The encoded record, updated with every change.
    body: Body,
}

impl<T: Root> StoredRecord<T> {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.body.seal(Kind::Record, out);
        Ok(())
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = Body::open(Kind::Record, bytes)?;
        let (mut record, mut unknown) = (T::default(), Quarantine::default());
        let nothing = VersionVector::new();
        let mut out = Applied::new(&nothing, &mut unknown, false);
        body.cells().for_each_group(|group| {
            record.apply_group(group.parent().segments(), group, &mut out);
        });
        // No field has an empty name, so the presence cell was quarantined with the unknown cells.
        let place = PathBuf::new().child(PRESENT);
        let present = unknown.iter().find(|cell| cell.path == place.as_path());
        let present = present.map(|cell| (cell.stamp, cell.value.is_some()));
        unknown.remove(&place);
        Ok(Self {
            present,
            record,
            unknown,
            body,
        })
    }

    /// Returns whether both have the same cells, written in the same order.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.body == other.body
    }

    /// Returns whether the record exists.
    pub(super) fn is_present(&self) -> bool {
        matches!(self.present, Some((_, true)))
    }

    /// Returns the record if it exists.
    pub(super) fn shown(&self) -> Option<&T> {
        self.is_present().then_some(&self.record)
    }

    /// Returns the size of the record's cells in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.body.bytes()
    }

    /// Returns the size of the record's live cells in bytes. Tombstones do not count: a removal
    /// makes a record smaller, although the tombstone of a small value may be larger than the
    /// value.
    pub(super) fn content(&self) -> usize {
        let groups = self.body.cells().groups();
        let cells = groups.flat_map(|group| group.cells());
        cells
            .filter_map(|cell| Some(cell.key.len() + cell.value?.len()))
            .sum()
    }

    /// Returns the latest time of each replica that has written a cell of the record.
    pub(super) fn upto(&self) -> &VersionVector {
        self.body.upto()
    }

    /// Adds the record to a document that is being assembled.
    pub(super) fn join_into(
        self,
        key: &[u8],
        records: &mut Records<T>,
        quarantine: &mut Quarantine,
    ) {
        if let Some((stamp, present)) = self.present {
            records.present.insert(key.to_vec(), (), stamp);
            if !present {
                records.present.remove(key, stamp);
            }
        }
        let root = PathBuf::new().child(key);
        copy(&self.unknown, quarantine, |path| {
            let mut whole = root.clone();
            path.segments().for_each(|segment| whole.push(segment));
            Some(whole)
        });
        records.records.insert(key.to_vec(), self.record);
    }

    /// Extracts the record at `key` from an assembled document. Returns `None` if the record has no
    /// cells. `cells` may be reused for many records.
    pub(super) fn take(
        key: &[u8],
        records: &mut Records<T>,
        quarantine: &Quarantine,
        cells: &mut CellWriter,
    ) -> Result<Option<Self>, Error> {
        let present = records.present.stamp(key);
        let present = present.map(|stamp| (stamp, records.present.contains(key)));
        let record = records.records.remove(key).unwrap_or_default();
        let mut unknown = Quarantine::default();
        // An insertion or removal ends older cells. The typed record has dropped its own already,
        // so filter only the unknown ones.
        let end = present.map(|(stamp, _)| stamp);
        copy_since(quarantine, &mut unknown, end, |path| {
            let mut segments = path.segments();
            (segments.next() == Some(key)).then(|| {
                let mut rest = PathBuf::new();
                segments.for_each(|segment| rest.push(segment));
                rest
            })
        });
        let body = write(present, &record, &unknown, cells)?;
        Ok((body.len() > 0).then_some(Self {
            present,
            record,
            unknown,
            body,
        }))
    }
}

/// Encodes the cells of a record.
fn write<T: Root>(
    present: Option<(Stamp, bool)>,
    record: &T,
    unknown: &Quarantine,
    cells: &mut CellWriter,
) -> Result<Body, Error> {
    let nothing = VersionVector::new();
    // Times are relative to the insertion, since most cells of a record share its stamp.
    let base = present.map_or(Time::ZERO, |(stamp, _)| stamp.time);
    let replica = present.map(|(stamp, _)| stamp.replica).unwrap_or_default();
    let base = VersionVector::of(replica, base);
    Body::write(cells, VersionVector::new(), base, |out| {
        if let Some((stamp, present)) = present {
            out.group(Path::ROOT);
            out.copy(CellRef {
                key: PRESENT,
                stamp,
                value: present.then_some(&[]),
            });
        }
        record.write_cells(&mut PathBuf::new(), &nothing, out);
        unknown.write_cells(&nothing, out);
    })
}

fn copy(from: &Quarantine, to: &mut Quarantine, path: impl Fn(Path<'_>) -> Option<PathBuf>) {
    copy_since(from, to, None, path);
}

/// Copies cells that are not older than `end`, to the paths that `path` returns.
fn copy_since(
    from: &Quarantine,
    to: &mut Quarantine,
    end: Option<Stamp>,
    path: impl Fn(Path<'_>) -> Option<PathBuf>,
) {
    for cell in from.iter() {
        if end.is_some_and(|end| cell.stamp < end) {
            continue;
        }
        let Some(path) = path(cell.path) else {
            continue;
        };
        if let Some((parent, key)) = path.as_path().split_last() {
            let reason = cell.reason.map(|reason| reason.to_owned().into());
            let cell = CellRef {
                key,
                stamp: cell.stamp,
                value: cell.value,
            };
            to.keep(parent, cell, reason);
        }
    }
}
