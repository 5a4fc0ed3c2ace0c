use std::collections::VecDeque;

use crate::{codec::varint::Reader, error::Error, limits};

/// A frame that is a whole message, or the end of one.
const LAST: u8 = 0;
/// A frame of which the message goes on in the next.
const MORE: u8 = 1;

/// Cuts a message into frames of at most [`limits::FRAME_BYTES`]: a byte that says whether another follows, and a part of
/// the message.
///
/// Frames of different messages are never mixed.
pub(super) fn cut(message: &[u8], frames: &mut VecDeque<Vec<u8>>) {
    let mut parts = message.chunks(limits::FRAME_BYTES - 1).peekable();
    while let Some(part) = parts.next() {
        let more = if parts.peek().is_some() { MORE } else { LAST };
        let mut frame = Vec::with_capacity(part.len() + 1);
        frame.push(more);
        frame.extend_from_slice(part);
        frames.push_back(frame);
    }
}

/// Puts messages together again.
#[derive(Default)]
pub(super) struct Assembler {
    begun: Vec<u8>,
}

impl Assembler {
    /// Takes a frame in and hands its message, once that is whole, to `read`.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] where a frame is longer than `limit` or the message than [`limits::MESSAGE_BYTES`],
    /// [`Error::is_corrupt`] for a frame that is none, and what `read` gives.
    pub(super) fn take<T>(
        &mut self,
        frame: &[u8],
        limit: usize,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if frame.len() > limit {
            return Err(Error::limit(format!(
                "a frame of {} bytes is larger than the {limit} allowed now",
                frame.len()
            )));
        }
        let mut reader = Reader::new(frame);
        let more = match reader.u8()? {
            LAST => false,
            MORE => true,
            _ => return Err(Error::corrupt("a frame that does not tell its part")),
        };
        let part = reader.take(reader.remaining())?;
        if part.is_empty() {
            return Err(Error::corrupt("a frame without a message"));
        }
        if self.begun.len() + part.len() > limits::MESSAGE_BYTES {
            return Err(Error::limit("a message is larger than allowed"));
        }
        if more {
            self.begun.extend_from_slice(part);
            return Ok(None);
        }
        if self.begun.is_empty() {
            return read(part).map(Some);
        }
        let mut message = std::mem::take(&mut self.begun);
        message.extend_from_slice(part);
        read(&message).map(Some)
    }

    /// Bytes of the message that was begun.
    #[cfg(test)]
    fn begun(&self) -> usize {
        self.begun.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(message.to_vec())
    }

    proptest! {
        #[test]
        fn what_was_cut_is_put_together_again(
            lengths in proptest::collection::vec(1_usize..3 * limits::FRAME_BYTES, 1..5),
        ) {
            let (mut frames, mut assembler) = (VecDeque::new(), Assembler::default());
            for (at, length) in lengths.into_iter().enumerate() {
                let message: Vec<u8> = (0..length).map(|byte| (byte * (at + 1)) as u8).collect();
                cut(&message, &mut frames);
                let mut out = None;
                while let Some(frame) = frames.pop_front() {
                    prop_assert!(out.is_none(), "more frames than the message needs");
                    out = assembler.take(&frame, limits::FRAME_BYTES, whole).unwrap();
                }
                prop_assert_eq!(out, Some(message));
                prop_assert_eq!(assembler.begun(), 0);
            }
        }

        #[test]
        fn no_frame_is_kept_beyond_the_limit(frames in proptest::collection::vec(
            (0_u8..3, 0_usize..2 * limits::FRAME_BYTES), 0..20)
        ) {
            let mut assembler = Assembler::default();
            for (kind, length) in frames {
                let mut frame = vec![7; length];
                if let Some(first) = frame.first_mut() {
                    *first = kind;
                }
                let _ = assembler.take(&frame, limits::FRAME_BYTES, whole);
                prop_assert!(assembler.begun() <= limits::MESSAGE_BYTES);
            }
        }
    }
}
