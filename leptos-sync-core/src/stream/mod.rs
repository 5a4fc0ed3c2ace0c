//! Bounded streams of changes. A slow reader learns that it lagged and resumes by version.

mod lagged;
mod reader;
mod sender;

pub use lagged::Lagged;
pub use reader::ChangeStream;
pub use sender::ChangeSender;
