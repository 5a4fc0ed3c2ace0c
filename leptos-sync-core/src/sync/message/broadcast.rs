use std::sync::OnceLock;

use super::{Channel, fields::Writer, response::DELTA};
use crate::{delta::Delta, limits, sync::parts::of_delta};

/// A delta that is told to many: encoded once for those who read compressed envelopes, and once for those who do not.
///
/// What differs from one to the next is the number of the document on the connection and that of the frame.
#[derive(Debug)]
pub struct Broadcast {
    delta: Delta,
    plain: OnceLock<Box<[u8]>>,
    deflated: OnceLock<Box<[u8]>>,
}

impl Broadcast {
    /// Nothing is encoded yet.
    pub fn new(delta: Delta) -> Self {
        Self {
            delta,
            plain: OnceLock::new(),
            deflated: OnceLock::new(),
        }
    }

    /// Bytes of the delta's cells.
    pub fn bytes(&self) -> usize {
        self.delta.bytes()
    }

    /// Whether it is small enough for one message; others come in parts, to who asks for them.
    pub fn fits(&self) -> bool {
        of_delta(&self.delta) <= limits::TRANSACTION_BYTES
    }

    /// Appends the bytes of [`Response::Delta`](super::Response::Delta). O(bytes), and the first time the cost of encoding.
    pub(in crate::sync) fn write(&self, channel: Channel, deflate: bool, out: &mut Vec<u8>) {
        let encoded = if deflate { &self.deflated } else { &self.plain };
        let body = encoded.get_or_init(|| {
            let mut body = Vec::new();
            let mut out = Writer {
                out: &mut body,
                deflate,
            };
            // Whole: what is told to many is no part of something larger.
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

/// Bytes before what all are told alike: the kind, and a number of 32 bits.
const HEAD_BYTES: usize = 1 + 5;
