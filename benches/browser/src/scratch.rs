use std::fmt;

use leptos_sync_web::Error;
use wasm_bindgen::JsValue;

use crate::peers;

/// The reason why a sample could not be taken.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<JsValue> for Failure {
    fn from(error: JsValue) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// The name of a database that no other sample uses.
pub(crate) struct Scratch(String);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(format!("bench-{}-{}", js_sys::Math::random(), now()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// Deletes the database, so that it does not slow down the next sample.
    pub(crate) async fn forget(self) -> Result<(), Failure> {
        peers::forget(&self.0).await?;
        Ok(())
    }
}

/// Returns the milliseconds since the page was opened, at the browser's resolution.
pub(crate) fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(f64::NAN, |performance| performance.now())
}
