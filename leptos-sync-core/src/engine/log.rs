use crate::{
    codec::varint::{self, Reader},
    delta::Delta,
    error::Error,
};

/// Encodes a log record: transactions that were written together, each preceded by its length.
pub(super) fn encode(deltas: &[Delta]) -> Vec<u8> {
    let mut record = Vec::new();
    for delta in deltas {
        let envelope = delta.encode();
        varint::put(&mut record, envelope.len() as u64);
        record.extend_from_slice(&envelope);
    }
    record
}

/// Decodes the transactions of a log record.
pub(super) fn decode(record: &[u8]) -> Result<Vec<Delta>, Error> {
    let mut input = Reader::new(record);
    let mut deltas = Vec::new();
    while !input.is_empty() {
        let length = input.len()?;
        deltas.push(Delta::decode(input.take(length)?)?);
    }
    Ok(deltas)
}
