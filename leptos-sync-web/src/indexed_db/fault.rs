//! What the browser reports, as this project's errors.

use indexed_db_futures::error::{DomException, Error as IdbError, OpenDbError};
use leptos_sync_core::Error;

/// The name that browsers give a refusal for lack of room.
const QUOTA: &str = "QuotaExceededError";

/// Whether a transaction could not begin because its connection is closed or closing.
pub(super) fn is_closed(error: &IdbError) -> bool {
    matches!(
        error,
        IdbError::DomException(DomException::InvalidStateError(_))
    )
}

/// An operation's failure.
pub(super) fn failed(error: IdbError) -> Error {
    match error {
        IdbError::DomException(exception) => failed_with(&exception.into()),
        _ => Error::storage("IndexedDB returned something that was never stored by leptos-sync"),
    }
}

/// A transaction's failure: `reason` is what the transaction itself says, which is where a lack of room may show alone.
pub(super) fn aborted(reason: Option<web_sys::DomException>, error: IdbError) -> Error {
    match (reason, error) {
        (Some(reason), _) => failed_with(&reason),
        (None, IdbError::DomException(exception)) => failed_with(&exception.into()),
        (None, _) => Error::storage("the browser aborted the transaction without saying why"),
    }
}

fn failed_with(exception: &web_sys::DomException) -> Error {
    let name = exception.name();
    if name == QUOTA {
        Error::quota("the browser has no more room for this site's data")
    } else {
        Error::storage(describe("IndexedDB failed: ", &name, exception))
    }
}

/// A database that could not be opened.
pub(super) fn unavailable(error: OpenDbError) -> Error {
    match error {
        OpenDbError::Base(IdbError::DomException(exception)) => {
            let exception = exception.into();
            let name = web_sys::DomException::name(&exception);
            Error::unavailable(describe("IndexedDB cannot be opened: ", &name, &exception))
        }
        // Among them whatever `indexedDB.open` throws at once: the library reports all of it as a wrong version.
        _ => Error::unavailable(
            "IndexedDB is missing or refused: private browsing, blocked site data or a sandboxed frame",
        ),
    }
}

fn describe(what: &str, name: &str, exception: &web_sys::DomException) -> String {
    [what, name, ": ", &exception.message()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn exception(name: &str) -> web_sys::DomException {
        web_sys::DomException::new_with_message_and_name("message", name).unwrap()
    }

    #[wasm_bindgen_test]
    fn a_lack_of_room_is_a_quota_error_wherever_it_shows() {
        assert!(failed(exception(QUOTA).into()).is_quota());
        let by_abort = indexed_db_futures::error::UnexpectedDataError::TransactionAborted;
        assert!(aborted(Some(exception(QUOTA)), by_abort.into()).is_quota());
        assert!(aborted(None, exception(QUOTA).into()).is_quota());
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
        assert!(unavailable(OpenDbError::NullFactory).is_unavailable());
    }

    #[wasm_bindgen_test]
    fn only_an_invalid_state_means_a_closed_connection() {
        assert!(is_closed(&exception("InvalidStateError").into()));
        assert!(!is_closed(&exception("AbortError").into()));
    }
}
