//! The rows of the page's results. They are judged, printed and saved here, so that this can be
//! tested without a browser.

mod row;

pub use row::{Bar, Row, Side, markdown};
