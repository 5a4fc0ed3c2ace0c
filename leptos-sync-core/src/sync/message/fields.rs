use super::{Channel, Permission, Reason};
use crate::{
    codec::varint::{self, Reader},
    error::Error,
    limits,
};

/// A writer for the fields of a message.
pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    /// Whether envelopes may be compressed.
    pub(crate) deflate: bool,
}

impl Writer<'_> {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn number(&mut self, number: u64) {
        varint::put(self.out, number);
    }

    pub(crate) fn integer(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Returns whether envelopes may be compressed. A compile-time constant in a build without
    /// compression.
    pub(crate) fn compresses(&self) -> bool {
        cfg!(feature = "deflate") && self.deflate
    }

    /// Writes a reason, and its text up to the limit.
    pub(crate) fn why(&mut self, reason: Reason, text: &str) {
        self.byte(reason.code());
        let end = text.len().min(limits::REASON_BYTES);
        let whole = (0..=end).rev().find_map(|end| text.get(..end));
        self.bytes(whole.unwrap_or_default().as_bytes());
    }
}

/// A reader for the fields of a message, which checks each field against its limit.
///
/// After an error, all further fields read as empty, and [`end`](Fields::end) returns the error. So
/// the code that reads a message is a simple list of its fields.
pub(crate) struct Fields<'a> {
    input: Reader<'a>,
    wrong: Option<Error>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Reader::new(bytes),
            wrong: None,
        }
    }

    /// Records an error, unless there was an earlier one.
    pub(crate) fn fail(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
        self.input = Reader::new(&[]);
    }

    /// Records that a field violates the protocol. The error does not name the field, since a text
    /// for each field would enlarge every page.
    pub(crate) fn malformed(&mut self) {
        self.fail(Error::corrupt("a message or a record has an invalid field"));
    }

    pub(crate) fn known<T: Default>(&mut self, read: Result<T, Error>) -> T {
        read.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let read = self.input.u8();
        self.known(read)
    }

    pub(crate) fn number(&mut self) -> u64 {
        let read = self.input.varint();
        self.known(read)
    }

    /// Reads the number of items that take at least `bytes` each. Returns zero after an error.
    pub(crate) fn count(&mut self, limit: usize, bytes: usize) -> usize {
        let count = self.small::<usize>();
        if count > limit || count > self.input.remaining() / bytes {
            self.malformed();
            return 0;
        }
        count
    }

    pub(crate) fn integer(&mut self) -> u64 {
        let read = self.input.u64_le();
        self.known(read)
    }

    pub(crate) fn small<T: TryFrom<u64> + Default>(&mut self) -> T {
        let number = self.number();
        T::try_from(number).unwrap_or_else(|_| {
            self.malformed();
            T::default()
        })
    }

    pub(crate) fn channel(&mut self) -> Channel {
        Channel(self.small())
    }

    pub(crate) fn flag(&mut self) -> bool {
        let byte = self.byte();
        if byte > 1 {
            self.malformed();
        }
        byte == 1
    }

    pub(crate) fn permission(&mut self) -> Permission {
        let known = Permission::of_code(self.byte());
        known.unwrap_or_else(|| {
            self.malformed();
            Permission::Read
        })
    }

    pub(crate) fn bytes(&mut self, limit: usize) -> &'a [u8] {
        let bytes = self.envelope();
        if bytes.len() > limit {
            self.fail(Error::limit("a field of a message is too large"));
            return &[];
        }
        bytes
    }

    /// Reads bytes with no limit other than the message's.
    pub(crate) fn envelope(&mut self) -> &'a [u8] {
        let input = &mut self.input;
        let read = input.len().and_then(|length| input.take(length));
        self.known(read)
    }

    pub(crate) fn text(&mut self, limit: usize) -> String {
        let text = str::from_utf8(self.bytes(limit));
        text.map(str::to_owned).unwrap_or_else(|_| {
            self.malformed();
            String::new()
        })
    }

    pub(crate) fn document_name(&mut self) -> String {
        let name = self.text(limits::NAME_BYTES);
        if name.is_empty() {
            self.fail(Error::limit("a document's name is empty"));
        }
        name
    }

    pub(crate) fn why(&mut self) -> (Reason, String) {
        let reason = Reason::of_code(self.byte());
        (reason, self.text(limits::REASON_BYTES))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Returns the message if there was no error and no further bytes follow.
    pub(crate) fn end<T>(mut self, message: T) -> Result<T, Error> {
        if !self.is_empty() {
            self.malformed();
        }
        self.wrong.map_or(Ok(message), Err)
    }
}
