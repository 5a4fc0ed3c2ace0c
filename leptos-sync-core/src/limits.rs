//! Every bound, by name, with its unit and its reason.
//!
//! A bound protects a reader from a writer: whoever decodes bytes never allocates, recurses or waits beyond these,
//! whatever the bytes say. Writers are refused with [`Error::is_limit`](crate::Error::is_limit) before anything changes.

use std::ops::RangeInclusive;

/// Bytes of one cell's path. Long enough for nested names and user keys, short enough to keep thousands in a message.
pub const PATH_BYTES: usize = 1024;

/// Segments of one path, and levels of nesting inside one value: deeper data is a mistake or an attack on the stack.
pub const DEPTH: usize = 32;

/// Bytes of one encoded value: a long document's paragraph fits, a photograph belongs elsewhere.
pub const VALUE_BYTES: usize = 256 * 1024;

/// Bytes that each class of a [`BufferPool`](crate::BufferPool) keeps idle at most, each buffer counted as large as its
/// class says; it has less than twice that. One of the largest.
pub const POOL_BYTES: usize = 1024 * 1024;

/// Bytes of room that a document keeps from one transaction to the next. What a larger one needed is let go.
pub const ROOM_BYTES: usize = 64 * 1024;

/// Bytes of one encoded transaction, uncompressed. It travels as one message and is atomic everywhere, so it must fit
/// into one; imports beyond it are split by the importer.
pub const TRANSACTION_BYTES: usize = 1024 * 1024;

/// Bytes that one compressed envelope may inflate to. Larger bodies are written uncompressed or in several envelopes.
pub const INFLATED_BYTES: usize = 4 * 1024 * 1024;

/// How many times larger than its compressed form a body may be: real documents stay below, decompression bombs above.
pub const INFLATE_RATIO: usize = 20;

/// Bytes below which an envelope is not compressed: small bodies gain little and cost a dictionary each.
pub const COMPRESS_FROM_BYTES: usize = 1024;

/// Bytes of one chunk of a stored snapshot, before the envelope. Browsers move values of 64 KiB and more out of line,
/// which costs a second read.
pub const CHUNK_BYTES: usize = 60 * 1024;

/// Milliseconds that an observed stamp may lie ahead of the local wall clock: generous for unset clocks, short enough
/// that a wrong one cannot win against everybody for long.
pub const DRIFT_MS: u64 = 5 * 60 * 1000;

/// Milliseconds since the Unix epoch after which no clock is right: the year 3000. A greater number is a time in
/// microseconds or nanoseconds, which would use up all stamps at once.
pub const CLOCK_MS: u64 = 32_503_680_000_000;

/// Readings of a clock that are taken for seconds since the Unix epoch, of the years 2017 to 2286. As milliseconds they
/// are days in early 1970 that only a device sees which has run for 17 days without its clock being set.
pub const CLOCK_SECONDS: RangeInclusive<u64> = 1_500_000_000..=9_999_999_999;

/// Entries, live or deleted, of one map: positions are 32-bit and one value is kept as "none".
pub const MAP_ENTRIES: usize = (u32::MAX - 1) as usize;

/// Replicas that one message, and so one document, may name. Ids are leased, so that live documents have tens; each costs
/// every snapshot 16 bytes and more, and some work grows with the square of their number: milliseconds at this bound.
pub const REPLICAS: usize = 4096;

/// Bytes of a document's name in a storage: it is part of each of its keys.
pub const NAME_BYTES: usize = 256;

/// Secondary indices of one storage: each costs every write of a record.
pub const INDICES: usize = 64;

/// Keys that one record may have in one index. An edit may not add one beyond it.
pub const INDEX_KEYS: usize = 256;

/// Bytes of a key in an index, and of a record's own: they stand together in the key of an entry. An edit may not add
/// a longer one; a record that a merge gave such a key is not listed under it and can still be edited.
pub const INDEX_KEY_BYTES: usize = 1024;

/// Bytes of one stored record, as it is stored: one that could travel in a transaction of its own. An edit may not
/// enlarge a record beyond it. A merge may, and edits that do not enlarge such a record further are accepted.
pub const RECORD_BYTES: usize = TRANSACTION_BYTES;

/// Records that are read at once on the way through many: enough that the store's answer is worth its time, few enough to
/// be forgotten in memory.
pub const READ_RECORDS: usize = 512;

/// Times that a write is tried again because somebody else has written meanwhile: each time somebody got ahead.
pub const WRITE_ATTEMPTS: usize = 100;

/// Records in a document's log beyond which it is compacted: each costs a look-up when the document is opened.
pub const LOG_RECORDS: usize = 256;

/// Bytes of a document's log below which it is not compacted for its size.
pub const LOG_BYTES: usize = 256 * 1024;

/// Milliseconds that an edit may wait for an earlier write to finish before it is written all the same.
pub const SAVE_DELAY_MS: u32 = 50;

/// What other tabs tell of a document while it is being read from the storage: more than is edited in that time, and no more
/// than its log would have. What is beyond it is asked for afterwards.
pub const UNHEARD: usize = 256;

/// Changes that a reader of a [`ChangeStream`](crate::ChangeStream) may lie behind: some seconds of fast typing. One that
/// is slower still is better served by one delta of all that it lacks.
pub const STREAM_CHANGES: usize = 256;

/// Documents, and other values of a `LazyPool`, that stay open though nobody uses them: the pages that
/// somebody goes back and forth between are there at once, and memory does not grow with all that were ever looked at.
pub const OPEN_DOCUMENTS: usize = 64;

/// Rejected edits that a page lists until they are dismissed. Each may keep a copy of its document's state alive.
pub const REJECTIONS: usize = 16;

/// Bytes of one frame between a replica and its relay: what infrastructure on the way lets pass, and what a slow connection
/// is busy with at once.
pub const FRAME_BYTES: usize = 256 * 1024;

/// Bytes of a frame that is looked at from somebody who has not said yet who they are.
pub const HELLO_BYTES: usize = 4 * 1024;

/// Bytes of one message, of however many frames: the largest transaction, with the versions around it.
pub const MESSAGE_BYTES: usize = TRANSACTION_BYTES + 256 * 1024;

/// Bytes of the parts of one delta that is too large for a message: a document of a million short entries.
pub const PARTS_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of the credentials that a replica shows: a signed token fits, and all of it into the first frame.
pub const CREDENTIALS_BYTES: usize = 3 * 1024;

/// Bytes of a user's name: an e-mail address or an id of any common kind fits.
pub const USER_BYTES: usize = 256;

/// Bytes of what a replica tells of its presence: a name, a colour, a selection.
pub const PRESENCE_BYTES: usize = 4 * 1024;

/// Bytes of a message to a person about why something was refused.
pub const REASON_BYTES: usize = 512;

/// Channels that one connection may use at a time, including those of documents that the relay has closed and the client has
/// not left yet: several times the documents that a relay lets a connection have open.
pub const CHANNELS: usize = 1024;

/// Bytes of transactions that a replica pushes without an answer: enough to keep a fast connection busy, little enough that a
/// slow one does not wait for minutes behind them.
pub const IN_FLIGHT_BYTES: usize = 1024 * 1024;

/// Transactions that a replica pushes without an answer, and that one push may have.
pub const IN_FLIGHT: usize = 256;

/// Milliseconds that a relay has to welcome a replica, and a replica to introduce itself.
pub const HANDSHAKE_MS: u64 = 5_000;

/// Milliseconds of silence after which a connection counts as dead, unless the relay says otherwise. A replica that has
/// nothing to say asks for the time after a third of it.
pub const SILENCE_MS: u64 = 30_000;
