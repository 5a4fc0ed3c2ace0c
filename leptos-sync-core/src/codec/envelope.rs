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
    /// A value of a storage that compresses.
    #[cfg(feature = "deflate")]
    Value = 3,
}

/// Whether `bytes` begin as an envelope of that kind and of this version does.
#[cfg(feature = "deflate")]
pub(crate) fn is(kind: Kind, bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(MAGIC)
        .is_some_and(|rest| rest.starts_with(&[VERSION, kind as u8]))
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
        return Err(Error::corrupt(
            "envelope: its body has another length than announced; it was cut off or extended",
        ));
    }
    let body = reader.take(reader.remaining())?;
    if checksum_of(head, body) != checksum {
        return Err(Error::corrupt(
            "envelope: the checksum does not match; bytes were damaged",
        ));
    }
    match inflated {
        None => Ok(Cow::Borrowed(body)),
        Some(size) => decompress(body, size).map(Cow::Owned),
    }
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
            Kind::Value => "envelope: this is not a compressed value",
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
mod tests {
    use flate2::{Compress, Compression, FlushCompress, Status};
    use proptest::prelude::*;

    use super::*;
    use crate::limits;

    fn sealed(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal(kind, body, &mut out);
        out
    }

    /// Text-like bytes, which compress about four times.
    fn prose(len: usize) -> Vec<u8> {
        let words = [
            &b"milk "[..],
            b"bread ",
            b"butter ",
            b"salt ",
            b"a dozen eggs ",
            b"42 ",
        ];
        let mut state = 7_usize;
        let mut out = Vec::new();
        while out.len() < len {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
            out.extend_from_slice(words[state / 65_536 % words.len()]);
            out.push((state / 256) as u8);
        }
        out.truncate(len);
        out
    }

    /// An envelope with a true checksum, whatever it says.
    fn forged(flags: u8, inflated: Option<u64>, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assemble(Kind::Delta, flags, None, [body, &[]], &mut out);
        if let Some(size) = inflated {
            out.truncate(MAGIC.len() + 3);
            varint::put(&mut out, size);
            varint::put(&mut out, body.len() as u64);
            let checksum = checksum_of(&out, body);
            out.extend_from_slice(&checksum.to_le_bytes());
            out.extend_from_slice(body);
        }
        out
    }

    fn squeezed(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len() + 100);
        let status = Compress::new(Compression::fast(), false).compress_vec(
            body,
            &mut out,
            FlushCompress::Finish,
        );
        assert_eq!(status.unwrap(), Status::StreamEnd);
        out
    }

    fn refusal(bytes: &[u8]) -> Error {
        open(Kind::Delta, bytes).unwrap_err()
    }

    #[test]
    fn a_small_envelope_is_twelve_bytes_around_its_body() {
        let sealed = sealed(Kind::Delta, b"hi");
        assert_eq!(sealed, *b"LSYN\x01\x01\x00\x02\x52\x90\x38\x92hi");
        let body = open(Kind::Delta, &sealed).unwrap();
        assert!(matches!(body, Cow::Borrowed(b"hi")));
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn what_compresses_is_compressed_and_comes_back() {
        for len in [limits::COMPRESS_FROM_BYTES, 60_000, limits::INFLATED_BYTES] {
            let body = prose(len);
            let sealed = sealed(Kind::Snapshot, &body);
            assert!(
                sealed.len() < len * 3 / 4,
                "{len} bytes became {}",
                sealed.len()
            );
            assert_eq!(open(Kind::Snapshot, &sealed).unwrap(), body);
        }
    }

    #[test]
    fn what_would_not_pay_or_not_be_accepted_is_stored_as_it_is() {
        let noise: Vec<u8> = (0..5_000_u32)
            .flat_map(|n| n.wrapping_mul(n ^ 0x9e37_79b9).to_le_bytes())
            .collect();
        let too_long = prose(limits::INFLATED_BYTES + 1);
        let too_dense = vec![0; 100_000];
        for body in [
            noise,
            too_long,
            too_dense,
            prose(limits::COMPRESS_FROM_BYTES - 1),
            Vec::new(),
        ] {
            let sealed = sealed(Kind::Delta, &body);
            assert!(
                matches!(open(Kind::Delta, &sealed).unwrap(), Cow::Borrowed(same) if same == body)
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        for body in [b"a small body".to_vec(), prose(1200)] {
            let sealed = sealed(Kind::Delta, &body);
            for bit in 0..8 * sealed.len() {
                let mut damaged = sealed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let error = refusal(&damaged);
                assert!(error.is_corrupt() || error.is_unsupported(), "{error:?}");
            }
        }
    }

    #[test]
    fn every_cut_and_every_extension_is_an_error() {
        for body in [b"a small body".to_vec(), prose(1200)] {
            let mut sealed = sealed(Kind::Delta, &body);
            for len in 0..sealed.len() {
                assert!(refusal(&sealed[..len]).is_corrupt());
            }
            sealed.push(0);
            assert!(refusal(&sealed).is_corrupt());
        }
    }

    #[test]
    fn magic_version_kind_and_flags_each_have_their_error() {
        let sealed = sealed(Kind::Delta, b"body");
        let with = |index: usize, byte: u8| {
            let mut bytes = sealed.clone();
            bytes[index] = byte;
            refusal(&bytes)
        };
        assert!(with(0, b'l').is_corrupt());
        assert!(with(4, 0).is_corrupt());
        assert!(with(4, 2).is_unsupported());
        assert!(with(4, 2).to_string().contains("update the app"));
        assert!(with(5, Kind::Snapshot as u8).is_corrupt());
        assert!(with(5, 3).is_corrupt());
        assert!(refusal(&forged(2, None, b"body")).is_unsupported());
        assert!(refusal(&forged(0x81, Some(4), b"body")).is_unsupported());
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn a_bomb_is_refused_whether_it_hides_its_size_or_not() {
        let bomb = squeezed(&vec![0; 1 << 20]);
        for declared in [
            0,
            1,
            10 * bomb.len() as u64,
            (1 << 20) - 1,
            1 << 20,
            (1 << 20) + 1,
            1 << 32,
            u64::MAX,
        ] {
            assert!(refusal(&forged(DEFLATED, Some(declared), &bomb)).is_corrupt());
        }
        let large = squeezed(&prose(limits::INFLATED_BYTES + 1));
        assert!(
            refusal(&forged(
                DEFLATED,
                Some(limits::INFLATED_BYTES as u64 + 1),
                &large
            ))
            .is_corrupt()
        );
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn an_inflated_size_must_be_exact_and_the_stream_all_there() {
        let body = prose(2000);
        let deflated = squeezed(&body);
        assert_eq!(
            open(Kind::Delta, &forged(DEFLATED, Some(2000), &deflated)).unwrap(),
            body
        );
        assert!(refusal(&forged(DEFLATED, Some(1999), &deflated)).is_corrupt());
        assert!(refusal(&forged(DEFLATED, Some(2001), &deflated)).is_corrupt());
        assert!(
            refusal(&forged(
                DEFLATED,
                Some(2000),
                &deflated[..deflated.len() - 1]
            ))
            .is_corrupt()
        );
        assert!(
            refusal(&forged(
                DEFLATED,
                Some(2000),
                &[&deflated[..], &[0]].concat()
            ))
            .is_corrupt()
        );
        assert!(refusal(&forged(DEFLATED, Some(0), &[])).is_corrupt());
        assert!(refusal(&forged(DEFLATED, Some(8), b"not deflate")).is_corrupt());
    }

    #[cfg(not(feature = "deflate"))]
    #[test]
    fn without_the_feature_nothing_is_compressed_and_what_is_says_what_to_do() {
        let body = prose(2000);
        let sealed = sealed(Kind::Delta, &body);
        assert!(matches!(open(Kind::Delta, &sealed).unwrap(), Cow::Borrowed(same) if same == body));

        let mut compressed = forged(DEFLATED, Some(2000), &squeezed(&body));
        let error = refusal(&compressed);
        assert!(error.is_unsupported() && !error.is_corrupt());
        assert!(error.to_string().contains("feature `deflate`"), "{error}");
        *compressed.last_mut().unwrap() ^= 1;
        assert!(refusal(&compressed).is_corrupt(), "damage is still damage");
    }

    #[test]
    fn an_absurd_length_is_refused() {
        let mut bytes = b"LSYN\x01\x01\x00".to_vec();
        varint::put(&mut bytes, u64::MAX);
        bytes.extend_from_slice(&[0; 64]);
        assert!(refusal(&bytes).is_corrupt());
    }

    proptest! {
        #[test]
        fn every_body_comes_back(noise in proptest::collection::vec(any::<u8>(), 0..3000), text in 0_usize..6_000) {
            let body = [noise, prose(text)].concat();
            let sealed = sealed(Kind::Snapshot, &body);
            prop_assert_eq!(open(Kind::Snapshot, &sealed).unwrap(), body);
        }

        #[test]
        fn arbitrary_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(Kind::Delta, &bytes).is_err());
            prop_assert!(open(Kind::Delta, &[&b"LSYN\x01\x01\x01"[..], &bytes].concat()).is_err());
        }
    }
}
