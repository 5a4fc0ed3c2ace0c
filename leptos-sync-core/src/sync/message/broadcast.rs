use super::response::PAGE;
use crate::{
    history::Page,
    sync::message::{Channel, encodings::Encodings, fields::Writer},
};

/// A page for many clients. It is encoded once for clients that read compressed envelopes, and once
/// for the others.
///
/// Only the channel and the frame number differ between receivers.
#[derive(Debug)]
pub struct Broadcast {
    page: Page,
    encodings: Encodings,
}

impl Broadcast {
    /// Creates a broadcast. Encodes nothing yet.
    pub fn new(page: Page) -> Self {
        Self {
            page,
            encodings: Encodings::default(),
        }
    }

    /// Returns the page.
    pub const fn page(&self) -> &Page {
        &self.page
    }

    /// Appends the encoded [`Response::Page`](super::Response::Page). O(bytes). The first call also
    /// encodes the page.
    pub(in crate::sync) fn write(&self, channel: Channel, deflate: bool, out: &mut Vec<u8>) {
        let body = self.encodings.get(deflate, |out| out.page(&self.page));
        out.reserve(HEAD_BYTES + body.len());
        let mut head = Writer { out, deflate };
        head.byte(PAGE);
        head.number(channel.0.into());
        out.extend_from_slice(body);
    }
}

/// The number of bytes before the common part: the kind, and a 32-bit number.
const HEAD_BYTES: usize = 1 + 5;
