use std::sync::OnceLock;

use super::{Channel, fields::Writer, response::DELTA};
use crate::{delta::Delta, limits, sync::parts::of_delta};

/// A delta for many clients. It is encoded once for clients that read compressed envelopes, and
/// once for the others.
///
/// Only the channel and the frame number differ between receivers.
#[derive(Debug)]
pub struct Broadcast {
    delta: Delta,
    plain: OnceLock<Box<[u8]>>,
    deflated: OnceLock<Box<[u8]>>,
}

impl Broadcast {
    /// Creates a broadcast. Encodes nothing yet.
    pub fn new(delta: Delta) -> Self {
        Self {
            delta,
            plain: OnceLock::new(),
            deflated: OnceLock::new(),
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
        let encoded = if deflate { &self.deflated } else { &self.plain };
        let body = encoded.get_or_init(|| {
            let mut body = Vec::new();
            let mut out = Writer {
                out: &mut body,
                deflate,
            };
            // Clear the flag for further parts, since a broadcast is always whole.
            out.byte(0);
            out.delta(&self.delta);
            body.into()
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
