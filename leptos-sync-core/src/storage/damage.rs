use crate::error::Error;

/// A record that could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Damage {
    /// The record's key.
    pub key: Vec<u8>,
    /// The reason.
    pub error: Error,
}
