use crate::error::Error;

/// A record that could not be read.
#[derive(Debug)]
pub struct Damage {
    /// The record's key.
    pub key: Vec<u8>,
    /// The reason.
    pub error: Error,
}
