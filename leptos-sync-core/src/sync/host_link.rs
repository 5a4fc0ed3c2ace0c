use std::collections::VecDeque;

use super::{
    frame::{Assembler, Cutter},
    message::{Message, Reason},
};
use crate::{error::Error, limits};

/// The relay's end of a connection: the handshake and frames. It knows no documents.
#[derive(Default)]
pub(super) struct HostLink {
    stage: Stage,
    /// Whether the client reads compressed envelopes.
    deflate: bool,
    assembler: Assembler,
    cutter: Cutter,
    frames: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// The client has sent nothing yet.
    #[default]
    Silent,
    /// The relay is checking the credentials.
    Introduced,
    /// The client is admitted and may send any request.
    Welcome,
    /// The last message was sent.
    Over,
}

impl HostLink {
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Handles a frame. Returns a message once it is complete. O(bytes).
    pub(super) fn receive<M: Message>(&mut self, frame: &[u8]) -> Result<Option<M>, Error> {
        let limit = match self.stage {
            Stage::Silent | Stage::Introduced => limits::HELLO_BYTES,
            Stage::Welcome => limits::FRAME_BYTES,
            Stage::Over => return Ok(None),
        };
        let limits = (limit, limits::MESSAGE_BYTES);
        match self.assembler.take(frame, limits, M::decode)? {
            None if self.stage != Stage::Welcome => {
                Err(Error::limit("the first message must fit into one frame"))
            }
            message => Ok(message),
        }
    }

    /// Handles a hello. Returns the newest protocol that both ends support. The relay supports
    /// those from `floor` to `protocol`.
    pub(super) fn hello(
        &mut self,
        (oldest, newest): (u16, u16),
        deflate: bool,
        (floor, protocol): (u16, u16),
    ) -> Result<u16, Error> {
        self.deflate = deflate;
        let common = newest.min(protocol);
        if common < floor.max(oldest) {
            return Err(Error::unsupported(format!(
                "the relay speaks protocols {floor} to {protocol}, the client {oldest} to {newest}; \
                 update the older of the two"
            )));
        }
        self.stage = Stage::Introduced;
        Ok(common)
    }

    /// Ends the handshake.
    pub(super) fn admit(&mut self) {
        self.stage = Stage::Welcome;
    }

    /// Queues the frames of a message, unless the last one was sent.
    pub(super) fn say(&mut self, message: &impl Message) {
        self.write(|deflate, out| message.encode(deflate, out));
    }

    /// Queues the frames of the message that `write` writes, unless the last one was sent.
    pub(super) fn write(&mut self, write: impl FnOnce(bool, &mut Vec<u8>)) {
        if self.stage != Stage::Over {
            let deflate = self.deflate;
            self.cutter.cut(&mut self.frames, |out| write(deflate, out));
        }
    }

    /// Records that the last message was sent.
    pub(super) fn end(&mut self) {
        self.stage = Stage::Over;
    }

    /// Returns the next frame to send.
    pub(super) fn next_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }
}

/// Returns the error for a message before the handshake has ended.
pub(super) fn not_introduced() -> Error {
    Error::corrupt("the first message must be a hello, and the next one must wait for the answer")
}

/// Returns the error for a request that would use more channels than a connection may.
pub(super) fn too_many_channels() -> Error {
    Error::limit(format!(
        "a connection may use {} channels at a time; leave documents before opening others",
        limits::CHANNELS
    ))
}

/// Returns the reason to send for an error.
pub(super) fn reason(error: &Error) -> Reason {
    if error.is_limit() {
        Reason::Limit
    } else if error.is_unsupported() {
        Reason::Unsupported
    } else {
        Reason::Malformed
    }
}
