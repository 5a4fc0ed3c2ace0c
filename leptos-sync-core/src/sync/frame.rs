use crate::{codec::varint::Reader, error::Error, limits};

/// The bit of a frame's first byte that is set if the message continues in the next frame.
const MORE: u8 = 1;

/// The number of distinct frame numbers, after which they wrap around. The numbers reveal lost,
/// repeated and reordered frames, unless exactly this many are lost in a row.
const NUMBERS: u8 = 128;

/// A writer that splits messages into frames of at most [`limits::FRAME_BYTES`].
///
/// A frame is a byte with its number and the `MORE` bit, followed by a part of a message. Frames of
/// different messages are never interleaved.
#[derive(Default)]
pub(super) struct Cutter {
    next: u8,
}

impl Cutter {
    /// Appends the frames of the message that `write` writes. Nearly all messages fit into a single
    /// frame, and such a message is not copied.
    pub(super) fn cut(
        &mut self,
        frames: &mut impl Extend<Vec<u8>>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        // Reserve the frame's first byte.
        let mut first = vec![0];
        write(&mut first);
        let rest = first.split_off(first.len().min(limits::FRAME_BYTES));
        let mut parts = rest.chunks(limits::FRAME_BYTES - 1).peekable();
        if let Some(byte) = first.first_mut() {
            *byte = self.number(parts.peek().is_some());
        }
        frames.extend(Some(first));
        while let Some(part) = parts.next() {
            let mut frame = Vec::with_capacity(part.len() + 1);
            frame.push(self.number(parts.peek().is_some()));
            frame.extend_from_slice(part);
            frames.extend(Some(frame));
        }
    }

    /// Returns the first byte of the next frame.
    fn number(&mut self, more: bool) -> u8 {
        let number = self.next;
        self.next = (number + 1) % NUMBERS;
        (number << 1) | if more { MORE } else { 0 }
    }
}

/// Reassembles messages from frames.
#[derive(Default)]
pub(super) struct Assembler {
    next: u8,
    begun: Vec<u8>,
}

impl Assembler {
    /// Handles a frame. Passes the message to `read` once it is complete.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if a frame is longer than `limit` or the message longer than
    /// `message_limit`, [`Error::is_corrupt`] for an invalid frame, and the errors of `read`.
    pub(super) fn take<T>(
        &mut self,
        frame: &[u8],
        (limit, message_limit): (usize, usize),
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if frame.len() > limit {
            return Err(Error::limit(format!(
                "a frame is {} bytes, the limit is {limit}",
                frame.len()
            )));
        }
        let mut reader = Reader::new(frame);
        let first = reader.u8()?;
        if first >> 1 != self.next {
            return Err(Error::corrupt("a frame was lost or repeated"));
        }
        self.next = (self.next + 1) % NUMBERS;
        let more = first & MORE == MORE;
        let part = reader.take(reader.remaining())?;
        if part.is_empty() {
            return Err(Error::corrupt("a frame is empty"));
        }
        if self.begun.len() + part.len() > message_limit {
            return Err(Error::limit("a message is too large"));
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

    /// Returns the size of the incomplete message.
    #[cfg(test)]
    fn begun(&self) -> usize {
        self.begun.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: (usize, usize) = (limits::FRAME_BYTES, limits::MESSAGE_BYTES);

    fn whole(message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(message.to_vec())
    }

    proptest! {
        #[test]
        fn split_messages_are_reassembled(
            lengths in proptest::collection::vec(1_usize..3 * limits::FRAME_BYTES, 1..5),
        ) {
            let mut frames = VecDeque::new();
            let (mut cutter, mut assembler) = (Cutter::default(), Assembler::default());
            for (at, length) in lengths.into_iter().enumerate() {
                let message: Vec<u8> = (0..length).map(|byte| (byte * (at + 1)) as u8).collect();
                cutter.cut(&mut frames, |out| out.extend_from_slice(&message));
                let mut out = None;
                while let Some(frame) = frames.pop_front() {
                    prop_assert!(out.is_none(), "the message has more frames than needed");
                    out = assembler.take(&frame, LIMITS, whole).unwrap();
                }
                prop_assert_eq!(out, Some(message));
                prop_assert_eq!(assembler.begun(), 0);
            }
        }

        #[test]
        fn lost_and_repeated_frames_are_detected(messages in 2_usize..40, at in any::<usize>()) {
            let mut frames = VecDeque::new();
            let mut cutter = Cutter::default();
            (0..messages).for_each(|_| cutter.cut(&mut frames, |out| out.extend_from_slice(b"message")));
            let at = at % (messages - 1);
            let all = |frames: &mut dyn Iterator<Item = Vec<u8>>| {
                let mut assembler = Assembler::default();
                let mut taken = frames.map(|frame| assembler.take(&frame, LIMITS, whole));
                taken.all(|taken| taken.is_ok())
            };
            let mut lost = frames.clone();
            lost.remove(at);
            prop_assert!(!all(&mut lost.into_iter()));
            let mut exchanged = frames.clone();
            exchanged.swap(at, at + 1);
            prop_assert!(!all(&mut exchanged.into_iter()));
            let mut repeated = frames.clone();
            repeated.insert(at, frames[at].clone());
            prop_assert!(!all(&mut repeated.into_iter()));
            prop_assert!(all(&mut frames.into_iter()));
        }

        #[test]
        fn incomplete_messages_are_bounded(frames in proptest::collection::vec(
            (0_u8..2, 0_usize..2 * limits::FRAME_BYTES), 0..20)
        ) {
            let mut assembler = Assembler::default();
            for (more, length) in frames {
                let mut frame = vec![7; length];
                if let Some(first) = frame.first_mut() {
                    *first = (assembler.next << 1) | more;
                }
                let _ = assembler.take(&frame, LIMITS, whole);
                prop_assert!(assembler.begun() <= limits::MESSAGE_BYTES);
            }
        }
    }
}
