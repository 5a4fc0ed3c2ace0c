use flate2::{Compress, Compression, FlushCompress, Status};
use proptest::prelude::*;

use super::*;
use crate::limits;

fn sealed(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    seal(kind, body, &mut out);
    out
}

/// Returns text-like bytes that compress to about a quarter.
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

/// Returns an envelope with a correct checksum but arbitrary declarations.
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
fn a_small_envelope_adds_twelve_bytes_to_its_body() {
    let sealed = sealed(Kind::Delta, b"hi");
    assert_eq!(sealed, *b"LSYN\x02\x01\x00\x02\xb0\x03\x5d\x7dhi");
    let body = open(Kind::Delta, &sealed).unwrap();
    assert!(matches!(body, Cow::Borrowed(b"hi")));
}

#[cfg(feature = "deflate")]
#[test]
fn compressible_bodies_are_compressed_and_round_trip() {
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
fn bodies_not_worth_compressing_stay_uncompressed() {
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
        assert!(matches!(open(Kind::Delta, &sealed).unwrap(), Cow::Borrowed(same) if same == body));
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
    assert!(with(4, 1).is_unsupported());
    assert!(with(4, 1).to_string().contains("never released"));
    assert!(with(4, 3).is_unsupported());
    assert!(with(4, 3).to_string().contains("update the app"));
    assert!(with(5, Kind::Snapshot as u8).is_corrupt());
    assert!(with(5, 3).is_corrupt());
    assert!(refusal(&forged(2, None, b"body")).is_unsupported());
    assert!(refusal(&forged(0x81, Some(4), b"body")).is_unsupported());
}

#[cfg(feature = "deflate")]
#[test]
fn a_decompression_bomb_is_rejected_whatever_size_it_declares() {
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
fn the_declared_size_must_be_exact_and_the_stream_complete() {
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
fn without_the_feature_compressed_bodies_are_unsupported() {
    let body = prose(2000);
    let sealed = sealed(Kind::Delta, &body);
    assert!(matches!(open(Kind::Delta, &sealed).unwrap(), Cow::Borrowed(same) if same == body));

    let mut compressed = forged(DEFLATED, Some(2000), &squeezed(&body));
    let error = refusal(&compressed);
    assert!(error.is_unsupported() && !error.is_corrupt());
    assert!(error.to_string().contains("feature `deflate`"), "{error}");
    *compressed.last_mut().unwrap() ^= 1;
    assert!(
        refusal(&compressed).is_corrupt(),
        "damage is reported as such"
    );
}

#[test]
fn an_absurd_length_is_rejected() {
    let mut bytes = b"LSYN\x02\x01\x00".to_vec();
    varint::put(&mut bytes, u64::MAX);
    bytes.extend_from_slice(&[0; 64]);
    assert!(refusal(&bytes).is_corrupt());
}

proptest! {
    #[test]
    fn every_body_round_trips(noise in proptest::collection::vec(any::<u8>(), 0..3000), text in 0_usize..6_000) {
        let body = [noise, prose(text)].concat();
        let sealed = sealed(Kind::Snapshot, &body);
        prop_assert_eq!(open(Kind::Snapshot, &sealed).unwrap(), body);
    }

    #[test]
    fn arbitrary_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open(Kind::Delta, &bytes).is_err());
        prop_assert!(open(Kind::Delta, &[&b"LSYN\x02\x01\x01"[..], &bytes].concat()).is_err());
    }
}
