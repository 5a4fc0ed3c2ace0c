//! What the browser reports, as this project's errors.

use leptos_sync_core::Error;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

/// The name that browsers give a refusal for lack of room.
const QUOTA: &str = "QuotaExceededError";

/// Whether a transaction could not begin because its connection is closed or closing.
pub(super) fn is_closed(error: &JsValue) -> bool {
    error
        .dyn_ref::<DomException>()
        .is_some_and(|exception| exception.name() == "InvalidStateError")
}

/// An operation's failure.
pub(super) fn failed(error: JsValue) -> Error {
    aborted(error.dyn_into().ok())
}

/// A transaction's failure, with its reason where there is one.
pub(super) fn aborted(reason: Option<DomException>) -> Error {
    match reason {
        Some(reason) if reason.name() == QUOTA => {
            Error::quota("the browser has no more room for this site's data")
        }
        Some(reason) => Error::storage(describe("IndexedDB failed: ", &reason)),
        None => Error::storage("IndexedDB failed without saying why"),
    }
}

/// A database that could not be opened.
pub(super) fn unavailable(error: JsValue) -> Error {
    match error.dyn_ref() {
        Some(exception) => Error::unavailable(describe("IndexedDB cannot be opened: ", exception)),
        None => Error::unavailable(
            "this browser or this page has no IndexedDB: private browsing or a sandboxed frame",
        ),
    }
}

fn describe(what: &str, exception: &DomException) -> String {
    [what, &exception.name(), ": ", &exception.message()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn exception(name: &str) -> DomException {
        DomException::new_with_message_and_name("message", name).unwrap()
    }

    #[wasm_bindgen_test]
    fn a_lack_of_room_is_a_quota_error_wherever_it_shows() {
        assert!(failed(exception(QUOTA).into()).is_quota());
        assert!(aborted(Some(exception(QUOTA))).is_quota());
    }

    #[wasm_bindgen_test]
    fn other_failures_are_storage_errors_that_say_what_the_browser_said() {
        let error = failed(exception("DataError").into());
        assert!(error.is_storage() && !error.is_quota());
        assert_eq!(error.to_string(), "IndexedDB failed: DataError: message");
    }

    #[wasm_bindgen_test]
    fn a_database_that_cannot_be_opened_is_unavailable() {
        for name in ["SecurityError", "InvalidStateError", "UnknownError", QUOTA] {
            assert!(unavailable(exception(name).into()).is_unavailable());
        }
        assert!(unavailable(JsValue::UNDEFINED).is_unavailable());
    }

    #[wasm_bindgen_test]
    fn only_an_invalid_state_means_a_closed_connection() {
        assert!(is_closed(&exception("InvalidStateError").into()));
        assert!(!is_closed(&exception("AbortError").into()));
    }
}
