use super::{Channel, encodings::Encodings, fields::Writer, response::DELTA};
use crate::{delta::Delta, limits, sync::parts::of_delta};

/// A delta for many clients. It is encoded once for clients that read compressed envelopes, and
/// once for the others.
///
/// Only the channel and the frame number differ between receivers.
#[derive(Debug)]
pub struct Broadcast {
    delta: Delta,
    encodings: Encodings,
}

impl Broadcast {
    /// Creates a broadcast. Encodes nothing yet.
    pub fn new(delta: Delta) -> Self {
        Self {
            delta,
            encodings: Encodings::default(),
        }
    }

    /// Returns the size of the delta's cells in bytes.
    pub fn bytes(&self) -> usize {
        self.delta.bytes()
    }

    /// Returns whether the delta fits into one message. Larger ones are sent in parts to clients
    /// that request them.
    pub fn fits(&self) -> bool {
        of_delta(&self.delta) <= limits::TRANSACTION_BYTES
    }

    /// Appends the encoded [`Response::Delta`](super::Response::Delta). O(bytes). The first call
    /// also encodes the delta.
    pub(in crate::sync) fn write(&self, channel: Channel, deflate: bool, out: &mut Vec<u8>) {
        let body = self.encodings.get(deflate, |out| {
            // Clear the flag for further parts, since a broadcast is always whole.
            out.byte(0);
            out.delta(&self.delta);
        });
        out.reserve(HEAD_BYTES + body.len());
        let mut head = Writer { out, deflate };
        head.byte(DELTA);
        head.number(channel.0.into());
        out.extend_from_slice(body);
    }
}

/// The number of bytes before the common part: the kind, and a 32-bit number.
const HEAD_BYTES: usize = 1 + 5;
