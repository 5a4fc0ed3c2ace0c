//! The envelope around everything that is stored or sent.
//!
//! ```text
//! "LSYN" | version u8 | kind u8 | flags u8 | [inflated varint] | length varint | checksum u32 | body
//! ```
//!
//! `docs/format.md` specifies every byte. The reader first checks magic, version and kind, which is
//! cheap. It inflates only an intact body, into a buffer of at most the declared size and the
//! limits. The transport or storage knows the size of an envelope. The length in the header only
//! serves to distinguish a truncated envelope from a damaged one.
//!
//! Equal bodies may have different envelopes, since builds may compress differently. Compare the
//! bodies.

use std::borrow::Cow;

use xxhash_rust::xxh64::xxh64;

use super::{
    deflate::{compress, decompress, may_pay},
    varint::{self, Reader},
};
use crate::error::Error;

/// The first bytes of every envelope.
const MAGIC: &[u8] = b"LSYN";

/// The format version that this build writes, and the newest that it reads.
const VERSION: u8 = 2;

/// The flag of a body in raw deflate.
const DEFLATED: u8 = 1;

/// The maximum size of a header in bytes: magic, version, kind, flags, two varints, checksum.
const HEADER_BYTES: usize = MAGIC.len() + 3 + 2 * 10 + 4;

/// The kind of an envelope's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Cells that follow a version.
    Delta = 1,
    /// The cells of a whole state.
    Snapshot = 2,
    /// Any value in a storage.
    #[cfg(feature = "deflate")]
    Value = 3,
    /// A part of an exported state: its index and the envelope of a snapshot.
    Chunk = 4,
    /// A record of an [`IndexedStorage`](crate::index::IndexedStorage).
    Record = 5,
    /// The catalog of an [`IndexedStorage`](crate::index::IndexedStorage).
    Catalog = 6,
    /// Cells without a version.
    Patch = 7,
    /// Tombstones in blocks.
    Tombstones = 8,
}

/// Returns whether [`seal`] tries to compress a body of this size.
pub(crate) fn may_compress(bytes: usize) -> bool {
    may_pay(bytes)
}

/// Appends an envelope around `body`. Compresses it if this build can, if that saves at least an
/// eighth, and if [`open`] will accept it.
///
/// One pass over the body for the checksum, and one to compress it, with the cost of [`compress`].
pub(crate) fn seal(kind: Kind, body: &[u8], out: &mut Vec<u8>) {
    match compress(body) {
        Some(deflated) => assemble(kind, DEFLATED, Some(body.len()), [&deflated, &[]], out),
        None => seal_uncompressed(kind, [body, &[]], out),
    }
}

/// Appends an envelope around an uncompressed body, which is passed in two parts.
pub(crate) fn seal_uncompressed(kind: Kind, body: [&[u8]; 2], out: &mut Vec<u8>) {
    assemble(kind, 0, None, body, out);
}

/// Returns whether `bytes` start like an envelope of this kind, in any version.
#[cfg(feature = "deflate")]
pub(crate) fn is_of(kind: Kind, bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && may_be_of(kind, bytes)
}

/// Returns whether an envelope declares this kind.
pub(crate) fn may_be_of(kind: Kind, envelope: &[u8]) -> bool {
    envelope.get(MAGIC.len() + 1) == Some(&(kind as u8))
}

/// Returns an envelope around `body` if compression pays off, else `None`.
///
/// Does not compress a body that is itself a compressed envelope. An attempt costs as much as
/// [`compress`].
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

/// Creates an envelope that no writer produces: its body is marked as compressed and declares
/// `inflated` bytes.
#[cfg(all(test, feature = "deflate"))]
pub(crate) fn forged(kind: Kind, inflated: usize, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assemble(kind, DEFLATED, Some(inflated), [body, &[]], &mut out);
    out
}

/// Opens an envelope of the given kind and returns its body, borrowed if it is not compressed.
///
/// One pass over the bytes for the checksum. Inflating allocates the declared size, within the
/// limits.
///
/// # Errors
///
/// [`Error::is_unsupported`] for a newer version, unknown flags, or an intact compressed body if
/// this build lacks the feature `deflate`. [`Error::is_corrupt`] for any other violation of the
/// format.
pub(crate) fn open(kind: Kind, bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let mut reader = Reader::new(bytes);
    let flags = open_prefix(kind, &mut reader)?;
    let inflated = match flags {
        0 => None,
        DEFLATED => Some(reader.varint()?),
        _ => {
            return Err(Error::unsupported(
                "the envelope has unknown flags; update the app",
            ));
        }
    };
    let claimed = reader.varint()?;
    let head = bytes.get(..reader.position()).unwrap_or_default();
    let checksum = reader.u32_le()?;
    if claimed != reader.remaining() as u64 {
        return Err(Error::corrupt("the envelope was truncated or extended"));
    }
    let body = reader.take(reader.remaining())?;
    if checksum_of(head, body) != checksum {
        return Err(Error::corrupt("the envelope is damaged"));
    }
    match inflated {
        None => Ok(Cow::Borrowed(body)),
        Some(size) => decompress(body, size).map(Cow::Owned),
    }
}

/// Returns the bytes at the position of an uncompressed body, without verifying them. Use them only
/// in messages.
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
            "the data is not a leptos-sync envelope: the magic is missing",
        ));
    }
    match reader.u8()? {
        VERSION => {}
        0 => {
            return Err(Error::corrupt(
                "the envelope has format version 0, which does not exist",
            ));
        }
        1 => {
            return Err(Error::unsupported(
                "the envelope has format version 1, which was never released; this build reads version 2. Delete \
                 the data, or export it with the build that wrote it",
            ));
        }
        _ => {
            return Err(Error::unsupported(
                "the envelope has a newer format version than this build reads; update the app",
            ));
        }
    }
    let found = reader.u8()?;
    if found != kind as u8 {
        // The text does not name the kind, since a text for each would enlarge every page.
        return Err(Error::corrupt(
            "the envelope contains data of another kind than expected",
        ));
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
    // A placeholder for the checksum, which is computed over the whole body.
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(first);
    out.extend_from_slice(rest);
    let (head, rest) = out.split_at_mut(head);
    let head = head.get(start..).unwrap_or_default();
    if let Some((checksum, body)) = rest.split_first_chunk_mut() {
        *checksum = checksum_of(head, body).to_le_bytes();
    }
}

/// Returns the low half of the body's XXH64. Its seed is the XXH64 of the header before the
/// checksum.
fn checksum_of(head: &[u8], body: &[u8]) -> u32 {
    xxh64(body, xxh64(head, 0)) as u32
}

#[cfg(test)]
mod tests;
