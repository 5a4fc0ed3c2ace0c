use std::sync::OnceLock;

use super::fields::Writer;

/// The encodings of a message's body that many clients receive: one for clients that read
/// compressed envelopes, and one for the others. Each is made once, when it is first sent.
#[derive(Debug, Default)]
pub(in crate::sync) struct Encodings {
    plain: OnceLock<Box<[u8]>>,
    deflated: OnceLock<Box<[u8]>>,
}

impl Encodings {
    /// Returns the encoding, which `write` writes at the first call.
    pub(in crate::sync) fn get(&self, deflate: bool, write: impl FnOnce(&mut Writer<'_>)) -> &[u8] {
        let encoded = if deflate { &self.deflated } else { &self.plain };
        encoded.get_or_init(|| {
            let mut out = Vec::new();
            write(&mut Writer {
                out: &mut out,
                deflate,
            });
            out.into()
        })
    }
}
