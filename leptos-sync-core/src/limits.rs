//! All limits, each with its unit and reason.
//!
//! Limits protect readers from writers: decoding never allocates, recurses or waits beyond these
//! limits, even if the bytes declare more. A local edit that exceeds a limit fails with
//! [`Error::is_limit`](crate::Error::is_limit) and changes nothing.

use std::ops::RangeInclusive;

/// The maximum size of a cell's path in bytes. Nested names and user keys fit, and a message can
/// still contain thousands of paths.
pub const PATH_BYTES: usize = 1024;

/// The maximum number of segments in a path, and of nesting levels in a value. Deeper data is a
/// mistake or an attack on the stack.
pub const DEPTH: usize = 32;

/// The maximum size of an encoded value in bytes. A long paragraph fits; a photograph belongs
/// elsewhere.
pub const VALUE_BYTES: usize = 256 * 1024;

/// The maximum size in bytes of the idle buffers in a size class of the process's pool. Each buffer
/// is counted with the size of its class, and takes less than twice that. The largest class keeps
/// one buffer.
pub const POOL_BYTES: usize = 1024 * 1024;

/// The capacity in bytes that a document keeps between transactions. A larger buffer is freed.
pub const ROOM_BYTES: usize = 64 * 1024;

/// The maximum size of an encoded transaction in bytes, uncompressed. A transaction is atomic
/// everywhere, so it must fit into one message. Importers must split larger data.
pub const TRANSACTION_BYTES: usize = 1024 * 1024;

/// The maximum number of cells of a transaction. A relay stores them in one step, which delays the
/// edits of others. That many cells take less than a second.
pub const TRANSACTION_CELLS: usize = 64 * 1024;

/// The maximum inflated size of a compressed envelope in bytes. Larger bodies are uncompressed or
/// split.
pub const INFLATED_BYTES: usize = 4 * 1024 * 1024;

/// The maximum compression ratio of a body. Real documents stay below it; decompression bombs do
/// not.
pub const INFLATE_RATIO: usize = 20;

/// The minimum size of a compressed body in bytes. Smaller bodies gain little.
pub const COMPRESS_FROM_BYTES: usize = 1024;

/// The size of a chunk of a stored snapshot in bytes, without envelope. Browsers store values of 64
/// KiB or more out of line, which costs a second read.
pub const CHUNK_BYTES: usize = 60 * 1024;

/// The maximum time in milliseconds by which a stamp may be ahead of the local wall clock. It
/// tolerates clocks that are not synchronized, and bounds how long a wrong clock can win.
pub const DRIFT_MS: u64 = 5 * 60 * 1000;

/// The greatest time in milliseconds since the Unix epoch that a clock may show: the year 3000. A
/// greater number must be microseconds or nanoseconds, which would use up all stamps immediately.
pub const CLOCK_MS: u64 = 32_503_680_000_000;

/// The clock readings that must be seconds since the Unix epoch, from the years 2017 to 2286. As
/// milliseconds, they would be days in early 1970. Only a device that has run for 17 days without
/// its clock being set shows such a date.
pub const CLOCK_SECONDS: RangeInclusive<u64> = 1_500_000_000..=9_999_999_999;

/// The maximum number of entries in a map, live or deleted. Positions are 32-bit, and one value
/// means "none".
pub const MAP_ENTRIES: usize = (u32::MAX - 1) as usize;

/// The maximum number of epochs that are kept for a document. A relay starts one each time it is
/// started, so this is years of restarts. A page stores 48 KiB of them at most.
pub const EPOCHS: usize = 4096;

/// The maximum number of replica ids whose heads a replica requests when it opens a document. A
/// browser has one id for each page that was edited offline. The answer still fits into one
/// message.
pub const OUTBOX_IDS: usize = 16 * 1024;

/// The number of a writer's last entries of which a relay remembers whether they are empty because
/// it rejected them. One bit each, so a relay stores at most 8 bytes more for a writer.
pub const EMPTIED: usize = u64::BITS as usize;

/// The approximate size of a page of a document's history in bytes. A slow connection transfers it
/// in seconds. A page is larger only if a single transaction is.
pub const PAGE_BYTES: usize = 256 * 1024;

/// The number of a document's cells that are compared with a relay's at a time. A page does that,
/// and prepares what it offers to the relay, in a fraction of a second.
pub const COMPARED_PATHS: usize = 32 * 1024;

/// The maximum number of replicas in a delta or snapshot, and so in a [`Doc`](crate::Doc) with
/// versions. Each takes at least 16 bytes in every snapshot. Some work is quadratic in their number
/// and takes milliseconds at this limit. Documents that are exchanged by positions have no such
/// limit.
pub const REPLICAS: usize = 4096;

/// The maximum size of a document's name in bytes. The name is part of every key of the document.
pub const NAME_BYTES: usize = 256;

/// The maximum number of secondary indices of a storage. Each adds a cost to every write.
pub const INDICES: usize = 64;

/// The maximum number of keys of a record in an index. An edit may not add more keys.
pub const INDEX_KEYS: usize = 256;

/// The maximum size of an index key and of a record key in bytes. Both are part of an entry's key.
/// An edit may not add a longer one. A merge may, but the index does not list the record under that
/// key. The record can still be edited.
pub const INDEX_KEY_BYTES: usize = 1024;

/// The maximum size of a stored record in bytes, so that it fits into one transaction. An edit may
/// not enlarge a record beyond it. A merge may, and edits that do not enlarge such a record further
/// are accepted.
pub const RECORD_BYTES: usize = TRANSACTION_BYTES;

/// The number of records that each step of a scan reads. It amortizes the latency of the storage,
/// and takes little memory.
pub const READ_RECORDS: usize = 512;

/// The maximum number of attempts of a write. An attempt fails only if another writer succeeded.
pub const WRITE_ATTEMPTS: usize = 100;

/// The number of log records that triggers a compaction. Each costs a look-up when the document is
/// opened.
pub const LOG_RECORDS: usize = 256;

/// The log size in bytes below which no compaction is triggered by size.
pub const LOG_BYTES: usize = 256 * 1024;

/// The maximum time in milliseconds that an edit waits for an earlier write to finish.
pub const SAVE_DELAY_MS: u32 = 50;

/// The maximum number of messages from other tabs that are queued while a document is being loaded.
/// Users make fewer edits in that time, and a log holds about as many records. If messages exceed
/// it, the tab requests the operations afterwards.
pub const QUEUED_TAB_MESSAGES: usize = 256;

/// The maximum number of changes by which a reader of a
/// [`ChangeStream`](crate::stream::ChangeStream) may lag: a few seconds of fast typing. A slower
/// reader should request one delta instead.
pub const STREAM_CHANGES: usize = 256;

/// The number of unused documents, or other values of a `LazyPool`, that stay open. Documents
/// between which a user switches open immediately, and memory stays bounded.
pub const OPEN_DOCUMENTS: usize = 64;

/// The maximum number of rejected edits that a page lists until they are dismissed. Each may keep a
/// copy of its document's state alive.
pub const REJECTIONS: usize = 16;

/// The maximum size of a frame between a client and a relay in bytes. Proxies accept frames of this
/// size, and one frame does not occupy a slow connection for long.
pub const FRAME_BYTES: usize = 256 * 1024;

/// The maximum size in bytes of a frame from a client that is not authenticated.
pub const HELLO_BYTES: usize = 4 * 1024;

/// The maximum size of a message to a relay in bytes, over all its frames: the largest transaction
/// or offer, with room for what describes it.
pub const MESSAGE_BYTES: usize = TRANSACTION_BYTES + 256 * 1024;

/// The maximum size of a message from a relay in bytes, over all its frames.
///
/// The largest one is a page that has less than [`PAGE_BYTES`] before an offer of
/// [`TRANSACTION_BYTES`] and [`TRANSACTION_CELLS`]. A page sorts cells by path, so each one may
/// take 19 bytes more than in the offer, for its stamp and lengths. That is 3 MiB in all.
pub const RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// The maximum size of credentials in bytes. A signed token fits, and the credentials fit into the
/// first frame.
pub const CREDENTIALS_BYTES: usize = 3 * 1024;

/// The maximum size of a user name in bytes. An e-mail address or any common kind of id fits.
pub const USER_BYTES: usize = 256;

/// The maximum size of a replica's presence in bytes: a name, a color, a selection.
pub const PRESENCE_BYTES: usize = 4 * 1024;

/// The maximum size in bytes of the text that explains a rejection.
pub const REASON_BYTES: usize = 512;

/// The number of documents that a client has open at a time, unless the app sets another number.
pub const EXCHANGED_DOCUMENTS: usize = 256;

/// The maximum number of channels in use on a connection. Documents that the relay has closed and
/// the client has not left yet count too, so the limit is several times the number of open
/// documents that a relay permits.
pub const CHANNELS: usize = 1024;

/// The maximum size in bytes of unanswered transactions. It keeps a fast connection busy and does
/// not block a slow one for minutes.
pub const IN_FLIGHT_BYTES: usize = 1024 * 1024;

/// The maximum number of unanswered transactions, and of transactions in one push.
pub const IN_FLIGHT: usize = 256;

/// The time limit of the handshake in milliseconds, for both ends.
pub const HANDSHAKE_MS: u64 = 5_000;

/// The silence in milliseconds after which a connection is considered dead, unless the relay sets
/// another value. An idle client sends a ping after a third of it.
pub const SILENCE_MS: u64 = 30_000;
