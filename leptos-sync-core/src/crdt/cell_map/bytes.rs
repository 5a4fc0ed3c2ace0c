use std::{borrow::Borrow, cmp::Ordering, fmt, hash};

/// The maximum length of inline bytes.
const INLINE: usize = 14;

/// A byte string that stores up to 14 bytes inline. Takes 16 bytes, even as an `Option`.
#[derive(Clone)]
pub(super) struct Bytes(Form);

#[derive(Clone)]
enum Form {
    Inline {
        len: u8,
        bytes: [u8; INLINE],
    },
    /// A thin pointer to a slice pointer. A slice pointer itself would leave no room for the
    /// variant.
    Boxed(Box<Box<[u8]>>),
}

const _: () = assert!(
    size_of::<Option<Bytes>>() <= 16,
    "an option takes no extra space"
);

impl Bytes {
    /// Copies `from`.
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

// Must equal the hash of the slice, which look-ups use.
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
    fn bytes_of_every_length_round_trip() {
        let all: Vec<u8> = (0..40).collect();
        for len in 0..all.len() {
            let bytes = Bytes::new(&all[..len]);
            assert_eq!(bytes.as_slice(), &all[..len]);
            assert_eq!(bytes.clone(), bytes);
            assert!(len == 0 || Bytes::new(&all[..len - 1]) < bytes);
        }
    }
}
