//! Changes as a bounded stream: a slow reader is told that it lagged, and resumes by version.

mod lagged;
mod reader;
mod sender;

pub use lagged::Lagged;
pub use reader::ChangeStream;
pub use sender::ChangeSender;
