//! The rows of the page's results. They are compared with the targets, printed and saved here, so
//! that tests of this need no browser.

mod row;

pub use row::{Bar, Row, Side, markdown};
