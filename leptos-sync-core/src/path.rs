use std::fmt;

use crate::{error::Error, limits};

/// The location of a cell in a document: a list of segments. Each is the name of a field or an
/// encoded key of a map.
///
/// The encoding of a segment is its length (LEB128) and its bytes. A `Path` borrows the encoding,
/// and a [`PathBuf`] owns it. A path does not know the types along it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path<'a>(&'a [u8]);

impl<'a> Path<'a> {
    /// The root of a document.
    pub const ROOT: Path<'static> = Path(&[]);

    /// Decodes a path from `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] beyond [`limits::PATH_BYTES`] or [`limits::DEPTH`], and
    /// [`Error::is_corrupt`] if a segment is truncated or its length is not in shortest form.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        check_length(bytes.len())?;
        let mut rest = bytes;
        let mut depth = 0;
        while !rest.is_empty() {
            let Some((_, after)) = split_first(rest) else {
                return Err(Error::corrupt(
                    "a path segment is truncated or has an invalid length",
                ));
            };
            rest = after;
            depth += 1;
        }
        if depth > limits::DEPTH {
            return Err(too_deep());
        }
        Ok(Self(bytes))
    }

    /// Wraps bytes that were checked before.
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the encoded path.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Iterates over the segments, from the root.
    pub fn segments(self) -> Segments<'a> {
        Segments(self.0)
    }

    /// Splits off the last segment. Returns `None` for the root. O(segments).
    pub fn split_last(self) -> Option<(Path<'a>, &'a [u8])> {
        let mut rest = self.0;
        loop {
            let (segment, after) = split_first(rest)?;
            if after.is_empty() {
                let parent = self.0.get(..self.0.len() - rest.len())?;
                return Some((Path(parent), segment));
            }
            rest = after;
        }
    }

    /// Returns whether this is the root.
    pub fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// Returns an owned copy.
    pub fn to_owned(self) -> PathBuf {
        PathBuf(self.0.to_vec())
    }
}

/// An iterator over the remaining segments of a [`Path`].
#[derive(Clone, Copy)]
pub struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    /// Returns the encoding of the remaining segments.
    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns the remaining segments as a path.
    pub(crate) fn to_path(self) -> Path<'a> {
        Path(self.0)
    }

    /// Returns whether no segments are left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (segment, rest) = split_first(self.0)?;
        self.0 = rest;
        Some(segment)
    }
}

/// An owned [`Path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PathBuf(Vec<u8>);

impl PathBuf {
    /// Creates the path of the root.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Borrows the path.
    pub fn as_path(&self) -> Path<'_> {
        Path(&self.0)
    }

    /// Returns this path with one more segment.
    #[must_use]
    pub fn child(&self, segment: &[u8]) -> Self {
        let mut path = self.clone();
        path.push(segment);
        path
    }

    /// Appends a segment. Does not check the limits; they are checked when a path enters or leaves
    /// a document.
    pub fn push(&mut self, segment: &[u8]) {
        push_len(&mut self.0, segment.len());
        self.0.extend_from_slice(segment);
    }

    /// Runs `work` with the path extended by the field `name`.
    pub fn within(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        self.within_key(name.as_bytes(), work);
    }

    /// Runs `work` with the path extended by `key`.
    pub(crate) fn within_key(&mut self, key: &[u8], work: impl FnOnce(&mut Self)) {
        let len = self.0.len();
        self.push(key);
        work(self);
        self.0.truncate(len);
    }

    /// Appends the encoding of `parent`'s child `segment` to a buffer of many paths.
    pub(crate) fn append_child(out: &mut Vec<u8>, parent: Path<'_>, segment: &[u8]) {
        out.extend_from_slice(parent.as_bytes());
        push_len(out, segment.len());
        out.extend_from_slice(segment);
    }

    /// Copies `other` into this path, reusing its buffer.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.clone_from(&other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

fn push_len(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push((len as u8) | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

fn split_first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0_usize;
    let mut shift = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        len |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            // Reject a longer form, since paths are compared by their bytes.
            if byte == 0 && at > 0 {
                return None;
            }
            return bytes.get(at + 1..)?.split_at_checked(len);
        }
        shift += 7;
        // A length of four bytes would exceed the longest path.
        if shift > 14 {
            return None;
        }
    }
    None
}

/// Rejects the key of a map that is too long, or that has no bytes: below a record, the segment
/// without a name means the record itself.
pub(crate) fn check_key(bytes: usize) -> Result<(), Error> {
    if bytes == 0 {
        return Err(Error::value(
            "a map key is encoded as no bytes, as an empty string is; use another key",
        ));
    }
    check_length(bytes)
}

/// Rejects a path that is too long.
pub(crate) fn check_length(bytes: usize) -> Result<(), Error> {
    if bytes > limits::PATH_BYTES {
        return Err(too_long(bytes));
    }
    Ok(())
}

pub(crate) fn too_long(bytes: usize) -> Error {
    let advice = "use a shorter map key";
    Error::too_large("path", bytes as u64, limits::PATH_BYTES, advice)
}

pub(crate) fn too_deep() -> Error {
    Error::limit(format!(
        "a path has too many segments, the limit is {}; nest the data less deeply",
        limits::DEPTH
    ))
}

impl fmt::Display for Path<'_> {
    /// Writes each segment after a slash. Segments that are not plain text are written in
    /// hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str("/");
        }
        for segment in self.segments() {
            match std::str::from_utf8(segment) {
                Ok(text) if !text.chars().any(char::is_control) => write!(f, "/{text}")?,
                _ => {
                    f.write_str("/0x")?;
                    segment
                        .iter()
                        .try_for_each(|byte| write!(f, "{byte:02x}"))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_path(), f)
    }
}

impl fmt::Display for PathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_path(), f)
    }
}
