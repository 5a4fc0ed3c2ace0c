//! The exchange of documents by protocol 2, without connections.

mod open;
mod push;
mod stored_document;

pub use push::{EntryAnswer, PushAnswer};
pub use stored_document::StoredDocument;
