/// The operations that a user may perform on a document.
///
/// Permissions are ordered: a greater one includes the lesser ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// The user may read the document.
    Read,
    /// The user may read and edit the document.
    Write,
}

impl Permission {
    /// Returns the code of this permission in a message.
    pub(in crate::sync) fn code(self) -> u8 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
        }
    }

    /// Returns the permission of a code, or `None` if the protocol defines none.
    pub(in crate::sync) fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Read),
            1 => Some(Self::Write),
            _ => None,
        }
    }
}
