//! What the page has measured, as rows: judged, printed and saved here, so that it is tested
//! without a browser.

mod row;

pub use row::{Bar, Row, Side, markdown};
