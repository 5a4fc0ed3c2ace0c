use rusqlite::{Error as Sqlite, ErrorCode};

use crate::error::Error;

/// Converts an SQLite error into an error of the log.
pub(in crate::log) fn fault(error: Sqlite) -> Error {
    match &error {
        Sqlite::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(&error),
            ErrorCode::DiskFull => Error::full(format!(
                "the log's disk or size limit is full ({error}); free space or raise the limit"
            )),
            ErrorCode::TooBig => Error::limit(format!(
                "the value is too large for an SQLite record: {error}"
            )),
            _ => unavailable(&error),
        },
        // A column has an unexpected type.
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
