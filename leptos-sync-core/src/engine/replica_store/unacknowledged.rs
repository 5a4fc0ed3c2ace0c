use super::{
    keys::{Keys, Named},
    record,
};
use crate::storage::Record;

/// Returns whether the records of a storage contain edits of replicas that no relay has
/// acknowledged.
///
/// All edits of a document without a relay are such edits. Records that cannot be read may contain
/// some. O(bytes).
pub fn has_unacknowledged(records: &[Record]) -> bool {
    records.iter().any(|(key, record)| {
        let Some(named) = Keys::parse_any(key) else {
            return false;
        };
        match named {
            Named::Entry(id) => record::decode_entry(id, record).map_or(true, |stored| {
                stored.entry.stored.is_none() && !stored.entry.cells.is_empty()
            }),
            // The base may have edits that a relay has lost, or that were made without a relay.
            Named::Progress => {
                record::decode_progress(record).map_or(true, |progress| progress.comparing)
            }
            _ => false,
        }
    })
}
