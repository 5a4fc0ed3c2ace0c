//! The envelope around everything that is stored or sent.
//!
//! ```text
//! "LSYN" | version u8 | kind u8 | flags u8 | [inflated varint] | length varint | checksum u32 | body
//! ```
//!
//! `docs/format.md` gives every byte. Somebody's bytes are believed in the order of that line: what the magic, the
//! version and the kind say costs nothing to check, and only an intact body is inflated, into a buffer that is never
//! larger than the envelope declares and the limits allow. An envelope is a whole message and the transport or the
//! storage knows its size, so that its length says nothing new; it is there to tell a cut-off envelope from a damaged
//! one.
//!
//! Equal bodies may give different envelopes (another build may compress otherwise): compare what is inside.

use std::borrow::Cow;

use xxhash_rust::xxh64::xxh64;

use super::{
    deflate::{compress, decompress, may_pay},
    varint::{self, Reader},
};
use crate::error::Error;

/// The first bytes of every envelope.
const MAGIC: &[u8] = b"LSYN";

/// The format that this build writes, and the newest that it reads.
const VERSION: u8 = 1;

/// Flag: the body is raw deflate.
const DEFLATED: u8 = 1;

/// The greatest header: magic, version, kind, flags, two varints, checksum.
const HEADER_BYTES: usize = MAGIC.len() + 3 + 2 * 10 + 4;

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Cells that follow a version.
    Delta = 1,
    /// Cells that are a whole state.
    Snapshot = 2,
    /// A value of a storage, whatever it is.
    #[cfg(feature = "deflate")]
    Value = 3,
    /// A part of an exported state, which is a snapshot's envelope behind its number.
    Chunk = 4,
    /// A record of an indexed storage.
    Record = 5,
    /// What an indexed storage knows of its indices.
    Catalog = 6,
}

/// Whether [`seal`] would try to compress a body of so many bytes.
pub(crate) fn may_compress(bytes: usize) -> bool {
    may_pay(bytes)
}

/// Appends the envelope around `body`, compressed where this build can, that saves at least an eighth and [`open`] will
/// accept it.
///
/// One pass over the body for the checksum, and one to compress it, which costs what [`compress`] says.
pub(crate) fn seal(kind: Kind, body: &[u8], out: &mut Vec<u8>) {
    match compress(body) {
        Some(deflated) => assemble(kind, DEFLATED, Some(body.len()), [&deflated, &[]], out),
        None => seal_uncompressed(kind, [body, &[]], out),
    }
}

/// Appends the envelope around a body, given in two parts, as it is.
pub(crate) fn seal_uncompressed(kind: Kind, body: [&[u8]; 2], out: &mut Vec<u8>) {
    assemble(kind, 0, None, body, out);
}

/// Whether `bytes` begin as an envelope of that kind does, in whatever version.
#[cfg(feature = "deflate")]
pub(crate) fn is_of(kind: Kind, bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.get(1))
        .is_some_and(|&found| found == kind as u8)
}

/// The envelope around `body` where compressing it pays; `None` where it is better left as it is.
///
/// An envelope that is compressed already is not tried. What is tried costs what [`compress`] says.
#[cfg(feature = "deflate")]
pub(crate) fn seal_if_it_pays(kind: Kind, body: &[u8]) -> Option<Vec<u8>> {
    let flags = body.strip_prefix(MAGIC).and_then(|rest| rest.get(2));
    if flags == Some(&DEFLATED) {
        return None;
    }
    let deflated = compress(body)?;
    let mut out = Vec::new();
    assemble(kind, DEFLATED, Some(body.len()), [&deflated, &[]], &mut out);
    Some(out)
}

/// An envelope that no writer makes: its body, marked as compressed, claims to inflate to `inflated` bytes.
#[cfg(all(test, feature = "deflate"))]
pub(crate) fn forged(kind: Kind, inflated: usize, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assemble(kind, DEFLATED, Some(inflated), [body, &[]], &mut out);
    out
}

/// The body of an envelope of the given kind: borrowed when it was not compressed.
///
/// One pass over the bytes for the checksum; inflating allocates what the envelope declares, within the limits.
///
/// # Errors
///
/// [`Error::is_unsupported`] for a newer version, unknown flags, or an intact compressed body that this build has not
/// the feature to read; [`Error::is_corrupt`] when anything else is not as the format says.
pub(crate) fn open(kind: Kind, bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let mut reader = Reader::new(bytes);
    let flags = open_prefix(kind, &mut reader)?;
    let inflated = match flags {
        0 => None,
        DEFLATED => Some(reader.varint()?),
        _ => {
            return Err(Error::unsupported(
                "envelope: its flags are not known here; update the app",
            ));
        }
    };
    let claimed = reader.varint()?;
    let head = bytes.get(..reader.position()).unwrap_or_default();
    let checksum = reader.u32_le()?;
    if claimed != reader.remaining() as u64 {
        return Err(Error::corrupt("envelope: it was cut off or extended"));
    }
    let body = reader.take(reader.remaining())?;
    if checksum_of(head, body) != checksum {
        return Err(Error::corrupt("envelope: its bytes were damaged"));
    }
    match inflated {
        None => Ok(Cow::Borrowed(body)),
        Some(size) => decompress(body, size).map(Cow::Owned),
    }
}

/// What stands where the body of an uncompressed envelope does, which may be damaged: to be shown, never to be believed.
pub(crate) fn unchecked_body(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    reader.take(MAGIC.len() + 3).ok()?;
    reader.varint().ok()?;
    reader.u32_le().ok()?;
    reader.take(reader.remaining()).ok()
}

/// Checks magic, version and kind, and returns the flags.
fn open_prefix(kind: Kind, reader: &mut Reader<'_>) -> Result<u8, Error> {
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(Error::corrupt(
            "envelope: the magic is missing; these bytes were never ours",
        ));
    }
    match reader.u8()? {
        VERSION => {}
        0 => return Err(Error::corrupt("envelope: there is no format version 0")),
        _ => {
            return Err(Error::unsupported(
                "envelope: its format version is newer than what this build reads; update the app",
            ));
        }
    }
    let found = reader.u8()?;
    if found != kind as u8 {
        return Err(Error::corrupt(match kind {
            Kind::Delta => "envelope: this is not a delta",
            Kind::Snapshot => "envelope: this is not a snapshot",
            #[cfg(feature = "deflate")]
            Kind::Value => "envelope: this is not a stored value",
            Kind::Chunk => "envelope: this is not a chunk of an export",
            Kind::Record => "envelope: this is not a record",
            Kind::Catalog => "envelope: this is not a catalog of indices",
        }));
    }
    reader.u8()
}

fn assemble(kind: Kind, flags: u8, inflated: Option<usize>, body: [&[u8]; 2], out: &mut Vec<u8>) {
    let [first, rest] = body;
    let length = first.len() + rest.len();
    let start = out.len();
    out.reserve(HEADER_BYTES + length);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, kind as u8, flags]);
    if let Some(size) = inflated {
        varint::put(out, size as u64);
    }
    varint::put(out, length as u64);
    let head = out.len();
    // Kept free for the checksum until the body is in one piece.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(first);
    out.extend_from_slice(rest);
    let (head, rest) = out.split_at_mut(head);
    let head = head.get(start..).unwrap_or_default();
    if let Some((checksum, body)) = rest.split_first_chunk_mut() {
        *checksum = checksum_of(head, body).to_le_bytes();
    }
}

/// The low half of XXH64 of the body, seeded with that of everything before the checksum.
fn checksum_of(head: &[u8], body: &[u8]) -> u32 {
    xxh64(body, xxh64(head, 0)) as u32
}

#[cfg(test)]
mod tests;
