use rusqlite::{Error as Sqlite, ErrorCode};

use crate::error::Error;

/// What an error of SQLite means here.
pub(super) fn fault(error: Sqlite) -> Error {
    match &error {
        Sqlite::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(&error),
            ErrorCode::DiskFull => Error::full(format!(
                "there is no room left for the log ({error}); free some, or allow the log more"
            )),
            ErrorCode::TooBig => Error::limit(format!("too much for a record of SQLite: {error}")),
            _ => unavailable(&error),
        },
        // A record whose columns are not of their types.
        Sqlite::FromSqlConversionFailure(..)
        | Sqlite::IntegralValueOutOfRange(..)
        | Sqlite::InvalidColumnType(..)
        | Sqlite::QueryReturnedNoRows
        | Sqlite::Utf8Error(..) => damaged(&error),
        _ => unavailable(&error),
    }
}

fn damaged(error: &Sqlite) -> Error {
    Error::damaged_file(format!("SQLite reports: {error}"))
}

fn unavailable(error: &Sqlite) -> Error {
    Error::unavailable(format!("the log's database failed: {error}"))
}
