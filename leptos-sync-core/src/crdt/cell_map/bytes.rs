use std::{borrow::Borrow, cmp::Ordering, fmt, hash};

/// How many bytes are held in place.
const INLINE: usize = 14;

/// Bytes that mostly are few: up to 14 take no allocation, and all of it is 16 bytes, also in an option.
#[derive(Clone)]
pub(super) struct Bytes(Form);

#[derive(Clone)]
enum Form {
    Inline {
        len: u8,
        bytes: [u8; INLINE],
    },
    /// A pointer to a pointer, since one with a length would not leave room for the form.
    Boxed(Box<Box<[u8]>>),
}

const _: () = assert!(size_of::<Option<Bytes>>() <= 16, "it has a niche");

impl Bytes {
    /// A copy of `from`.
    pub(super) fn new(from: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        Self(match bytes.get_mut(..from.len()) {
            Some(room) => {
                room.copy_from_slice(from);
                let len = from.len() as u8;
                Form::Inline { len, bytes }
            }
            None => Form::Boxed(Box::new(from.into())),
        })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Form::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Form::Boxed(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Bytes {
    fn borrow(&self) -> &[u8] {
        self.as_slice()
    }
}

// As of the slice, in which a table is asked for it.
impl hash::Hash for Bytes {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Bytes {}

impl PartialOrd for Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bytes {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_slice().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_themselves() {
        let all: Vec<u8> = (0..40).collect();
        for len in 0..all.len() {
            let bytes = Bytes::new(&all[..len]);
            assert_eq!(bytes.as_slice(), &all[..len]);
            assert_eq!(bytes.clone(), bytes);
            assert!(len == 0 || Bytes::new(&all[..len - 1]) < bytes);
        }
    }
}
