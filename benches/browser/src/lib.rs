//! The rows of the page's results. This library compares them with the targets, prints and saves
//! them, so that tests of it need no browser.

mod row;

pub use row::{Bar, Row, Side, markdown};
