//! Checks for messages of any protocol.

use std::fmt::Debug;

use super::{Message, Reason};
use crate::limits;

/// Checks that a message round-trips, and that invalid bytes are errors.
pub(in crate::sync) fn round_trips<M: Message + Debug>(message: &M, byte: (usize, u8)) {
    for deflate in [false, cfg!(feature = "deflate")] {
        let mut bytes = Vec::new();
        message.encode(deflate, &mut bytes);
        // Compare the encodings: decoding may reorder the replicas of a delta's versions.
        let mut again = Vec::new();
        M::decode(&bytes).unwrap().encode(deflate, &mut again);
        assert_eq!(again, bytes, "{message:?}");
        assert!(bytes.len() < limits::MESSAGE_BYTES);

        let at = byte.0 % bytes.len();
        // A truncated message may be a valid push of fewer transactions.
        if let Ok(shorter) = M::decode(&bytes[..at]) {
            again.clear();
            shorter.encode(deflate, &mut again);
            assert_ne!(again, bytes);
        }
        let mut longer = bytes.clone();
        longer.push(byte.1);
        assert!(M::decode(&longer).is_err(), "trailing bytes are an error");
        let mut flipped = bytes.clone();
        flipped[at] ^= byte.1 | 1;
        // An unknown code of a reason is decoded as `Other`.
        let other = Reason::Other;
        if bytes[at] == other.code() && Reason::of_code(flipped[at]) == other {
            continue;
        }
        if let Ok(other) = M::decode(&flipped) {
            again.clear();
            other.encode(deflate, &mut again);
            assert_ne!(again, bytes, "{flipped:?} decodes as the same message");
        }
    }
}

/// Checks that a message, if the bytes decode to one, encodes to the same bytes.
pub(in crate::sync) fn has_one_encoding<M: Message>(bytes: &[u8]) {
    if let Ok(message) = M::decode(bytes) {
        let mut again = Vec::new();
        message.encode(false, &mut again);
        assert_eq!(again, bytes);
    }
}
