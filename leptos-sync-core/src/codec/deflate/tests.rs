//! Both implementations read what both write.

use proptest::prelude::*;

use super::platform as native;

#[path = "small/mod.rs"]
mod small;

type Deflate = fn(&[u8], usize) -> Option<Vec<u8>>;
type Inflate = fn(&[u8], usize) -> Option<Vec<u8>>;

const DEFLATES: [Deflate; 2] = [native::deflate, small::deflate];
const INFLATES: [Inflate; 2] = [native::inflate, small::inflate];

fn assert_comes_back(body: &[u8]) {
    for deflate in DEFLATES {
        let deflated = deflate(body, 2 * body.len() + 100).unwrap();
        for inflate in INFLATES {
            assert_eq!(inflate(&deflated, body.len()).as_deref(), Some(body));
            assert_eq!(inflate(&deflated, body.len() + 1), None);
            if !body.is_empty() {
                assert_eq!(inflate(&deflated, body.len() - 1), None);
                assert_eq!(inflate(&deflated[..deflated.len() - 1], body.len()), None);
            }
            assert_eq!(inflate(&[&deflated[..], &[0]].concat(), body.len()), None);
        }
    }
}

/// Text-like bytes.
fn prose(len: usize) -> Vec<u8> {
    let words = [
        "milk ",
        "bread ",
        "butter ",
        "salt ",
        "a dozen eggs ",
        "42 ",
    ];
    let mut state = 7_usize;
    let mut out = Vec::new();
    while out.len() < len {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        out.extend_from_slice(words[state / 65_536 % words.len()].as_bytes());
        out.push((state / 256) as u8);
    }
    out.truncate(len);
    out
}

#[test]
fn each_reads_what_the_other_wrote() {
    let noise: Vec<u8> = (0..40_000_u32)
        .flat_map(|n| n.wrapping_mul(n ^ 0x9e37_79b9).to_le_bytes())
        .collect();
    let bodies = [
        Vec::new(),
        b"a".to_vec(),
        vec![0; 300_000],
        prose(200_000),
        noise.clone(),
        [prose(70_000), noise, prose(70_000)].concat(),
    ];
    for body in bodies {
        assert_comes_back(&body);
    }
}

#[test]
fn what_repeats_becomes_small_in_the_browser_too() {
    let body = prose(100_000);
    let small = small::deflate(&body, body.len()).unwrap().len();
    let native = native::deflate(&body, body.len()).unwrap().len();
    assert!(small < body.len() / 2, "{small} of {}", body.len());
    assert!(small < native * 2, "{small}, natively {native}");
}

#[test]
fn what_does_not_fit_is_not_compressed() {
    for deflate in DEFLATES {
        let body = prose(10_000);
        let length = deflate(&body, body.len()).unwrap().len();
        assert!(deflate(&body, length).is_some());
        assert!(deflate(&body, length - 1).is_none());
    }
}

#[test]
fn malformed_streams_are_refused() {
    for inflate in INFLATES {
        // A block of the kind that does not exist; a stored block whose length is not repeated.
        assert_eq!(inflate(&[0b111, 0, 0], 5), None);
        assert_eq!(inflate(&[0b001, 1, 0, 0, 0, 9], 1), None);
        assert_eq!(inflate(&[0b001, 1, 0, 0xfe, 0xff, 9], 1), Some(vec![9]));
        // A match that reaches back before the start.
        assert_eq!(inflate(&[0x03, 0x02, 0x00], 3), None);
    }
}

proptest! {
    #[test]
    fn every_body_comes_back(
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        text in 0_usize..2_000,
        letters in "[ab]{0,600}",
    ) {
        assert_comes_back(&[noise, prose(text), letters.into_bytes()].concat());
    }

    #[test]
    fn arbitrary_bytes_never_exceed_the_size(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 0_usize..3_000) {
        let small = small::inflate(&bytes, size);
        prop_assert!(small.as_ref().is_none_or(|out| out.len() == size));
        if let Some(native) = native::inflate(&bytes, size) {
            prop_assert_eq!(small, Some(native));
        }
    }
}
