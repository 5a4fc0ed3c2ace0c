//! An SQLite file of a log: what does not depend on its tables.
//!
//! | File | Concept |
//! |---|---|
//! | `lock`, `identity` | the lock of the process; whether the files still have their names |
//! | `stale` | whether the write-ahead log belongs to the database |
//! | `options`, `schema` | connections; the tables and their version |
//! | `record`, `tally`, `names` | record checksums, tallies of records, and tables of names |
//! | `damage` | the documents that are known to be damaged or intact |
//! | `file`, `turns` | an open file; turns to audit a document |
//! | `work`, `pending`, `writer`, `tidying` | the write operations, their order, the thread that runs them, and regular work |
//! | `readers` | the threads that read |

mod damage;
mod fault;
mod file;
mod identity;
mod lock;
mod names;
mod options;
mod pending;
mod readers;
mod record;
mod schema;
mod stale;
mod tally;
mod tidying;
mod turns;
mod work;
mod writer;

pub(super) use self::{
    damage::Damage,
    fault::fault,
    file::DatabaseFile,
    names::{Names, Removal, names},
    record::{Checksum, damaged, from_sql, to_sql},
    schema::Schema,
    tally::Tally,
    work::{Finished, Operation, Operations},
};
pub use options::SqliteOptions;
