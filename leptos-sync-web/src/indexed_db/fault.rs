//! The conversion of the browser's errors.

use leptos_sync_core::Error;
use wasm_bindgen::JsValue;

use crate::js;

/// The name of the error of a transaction on a closed connection.
pub(super) const CLOSED: &str = "InvalidStateError";

/// Returns whether the error has that name.
pub(super) fn is(error: &JsValue, name: &str) -> bool {
    js::text(error, "name").is_some_and(|known| known == name)
}

/// Converts the failure of an operation: a thrown value, or the event that ended a request or a
/// transaction.
pub(super) fn failed(error: JsValue) -> Error {
    let reason = reason(error);
    if reason.starts_with("QuotaExceededError") {
        return Error::quota("the browser has no more space for this site's data; free some");
    }
    Error::storage(["IndexedDB failed: ", &reason].concat())
}

/// Returns whether this code aborted the transaction. Then the transaction has no error.
pub(super) fn is_abort_on_request(event: &JsValue) -> bool {
    of_target(event).is_ok_and(|error| error.is_null())
}

/// Converts the error of a database that could not be opened.
pub(super) fn unavailable(error: JsValue) -> Error {
    let what = "IndexedDB cannot be opened, as in some private or sandboxed pages: ";
    Error::unavailable([what, &reason(error)].concat())
}

/// Returns the name of the error, and the browser's message.
fn reason(error: JsValue) -> String {
    let error = of_target(&error).unwrap_or(error);
    match (js::text(&error, "name"), js::text(&error, "message")) {
        (Some(name), Some(message)) => [&*name, ": ", &message].concat(),
        _ => "the browser does not say why".to_owned(),
    }
}

/// Returns the error of the request or the transaction to which an event belongs.
fn of_target(event: &JsValue) -> Result<JsValue, JsValue> {
    js::get(&js::get(event, "target")?, "error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::DomException;

    const QUOTA: &str = "QuotaExceededError";

    fn exception(name: &str) -> JsValue {
        DomException::new_with_message_and_name("message", name)
            .unwrap()
            .into()
    }

    #[wasm_bindgen_test]
    fn a_lack_of_room_is_a_quota_error() {
        assert!(failed(exception(QUOTA)).is_quota());
    }

    #[wasm_bindgen_test]
    fn other_failures_are_storage_errors_that_say_what_the_browser_said() {
        let error = failed(exception("DataError"));
        assert!(error.is_storage() && !error.is_quota());
        assert_eq!(error.to_string(), "IndexedDB failed: DataError: message");
        assert!(failed(JsValue::UNDEFINED).is_storage());
    }

    #[wasm_bindgen_test]
    fn a_database_that_cannot_be_opened_is_unavailable() {
        for name in ["SecurityError", "InvalidStateError", "UnknownError", QUOTA] {
            assert!(unavailable(exception(name)).is_unavailable());
        }
        assert!(unavailable(JsValue::UNDEFINED).is_unavailable());
    }

    #[wasm_bindgen_test]
    fn only_an_invalid_state_means_a_closed_connection() {
        assert!(is(&exception("InvalidStateError"), CLOSED));
        assert!(!is(&exception("AbortError"), CLOSED));
    }
}
