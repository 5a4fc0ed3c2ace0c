//! The limits of the relay, each with its unit and its reason. Those of cells and messages are in
//! [`leptos_sync_core::limits`].

/// Bytes of a document's name, as in the storage of a browser.
pub const NAME_BYTES: usize = leptos_sync_core::limits::NAME_BYTES;

/// Bytes of a user's name, as in messages.
pub const USER_BYTES: usize = leptos_sync_core::limits::USER_BYTES;

/// Bytes of an origin: a host has at most 253, besides a scheme and a port.
pub const ORIGIN_BYTES: usize = 512;

/// Documents that one connection may have open by default: more than a page shows, and few enough
/// that no connection exhausts the relay's memory.
pub const DOCUMENTS: usize = 256;

/// Writes that are queued for the log's writer; further ones wait for room in the queue. It holds a
/// few commits, so the writer is never idle, and the queue drains quickly.
pub const QUEUED_WRITES: usize = 1024;

/// Reads that are queued for the log's readers; further ones wait for room in the queue.
pub const QUEUED_READS: usize = 1024;

/// Writes that share a commit. Sharing shortens the wait for the disk; with more writes, the first
/// would wait for the last.
pub const COMMIT_WRITES: usize = 512;

/// Bytes of cells beyond which no further write joins a commit. Writing them takes the time of a
/// few commits.
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// Cells that are removed at a time, so that writes never wait long for the removal of tombstones
/// or of a document.
pub const STEP_CELLS: usize = 500;

/// Bytes of cells that are sorted by path in memory. If a client lacks more, the whole document is
/// read in that order.
pub const SORT_BYTES: usize = 8 * 1024 * 1024;

/// The default number of read connections of a log. Readers wait for the disk more than for the
/// processor.
pub const READERS: usize = 4;

/// Milliseconds to wait for another process that locks the same file, such as a backup or an
/// interactive shell.
pub const BUSY_MS: u64 = 5_000;

/// Bytes of SQLite's write-ahead log that are kept after a checkpoint. It grows further while a
/// reader uses an older state.
pub const WAL_BYTES: u64 = 64 * 1024 * 1024;

/// Events that wait to be sent to one connection; operations that are stored together are one. A
/// client that is further behind is disconnected and continues from its version, which costs less
/// than the events would.
pub const QUEUED_EVENTS: usize = 256;

/// The maximum size in bytes of the events that wait to be sent to one connection. An event that
/// exceeds it disconnects the connection.
pub const QUEUED_BYTES: usize = 256 * 1024;

/// Connections of a document whose presence is sent to the others; a user cannot follow more.
/// Further ones stay invisible until one of these disconnects and they send their presence again.
pub const PRESENT: usize = 256;

/// Milliseconds that a connection may take to accept a frame.
pub const SEND_MS: u64 = 10_000;

/// Milliseconds of silence after which a connection counts as dead. Clients send a heartbeat after
/// a third of it.
pub const SILENCE_MS: u32 = leptos_sync_core::limits::SILENCE_MS as u32;

/// Connections that one user may have at a time, for tabs and devices.
pub const USER_SOCKETS: usize = 16;

/// Replica ids that one pushed delta may name. A transaction names one; edits from before the relay
/// was configured are sent as one delta for each id.
pub const DELTA_REPLICAS: usize = 16;

/// Replica ids that a connection remembers as its user's. For other ids it asks the log again.
pub const KNOWN_REPLICAS: usize = 1_024;

/// Names of documents that a log lists at a time: about 100 KB at most, and few calls for many
/// documents.
pub const LISTED: usize = 500;

/// Days that a relay keeps tombstones by default. Clients that were offline longer receive a full
/// snapshot, which costs more than the changes. So the retention is longer than a holiday; three
/// months of tombstones need little space.
pub const RETENTION_DAYS: u32 = 90;

/// The minimum step in milliseconds by which the floor of a document rises; the floor is a multiple
/// of it. So a document that is edited every day is processed once a day, however often the relay
/// sweeps or starts.
pub const FLOOR_STEP_MS: u64 = 24 * 60 * 60 * 1000;

/// Milliseconds between sweeps for old tombstones. The interval is short compared with a retention
/// of days, and visiting each document four times a day costs little.
pub const SWEEP_MS: u64 = 6 * 60 * 60 * 1000;

/// Milliseconds from the start of a relay to the first sweep. By then clients have caught up after
/// a restart, and the machine's clock is set.
pub const FIRST_SWEEP_MS: u64 = 10 * 60 * 1000;

/// Bytes of one part of the operations that a client lacks.
pub const PART_BYTES: usize = 128 * 1024;

/// Bytes of the read buffer of a WebSocket, which is most of the memory of an idle connection.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes of a WebSocket message that are read: more than a frame may have, so that the relay can
/// answer a frame that is too large. An even larger message ends the connection without an answer.
pub const SOCKET_MESSAGE_BYTES: usize = 2 * leptos_sync_core::limits::FRAME_BYTES;

/// Milliseconds that the log may take for a health check.
pub const HEALTH_MS: u64 = 2_000;

/// Milliseconds between compactions of the histograms while no one requests the metrics. A few
/// thousand values accumulate in that time.
pub const UPKEEP_MS: u64 = 5_000;

/// Milliseconds that a client may take to receive the reason for the end of its connection.
pub const LINGER_MS: u64 = 1_000;

/// Milliseconds that the program takes at most to shut down: it notifies clients and stores what it
/// has received.
pub const SHUT_DOWN_MS: u64 = 5_000;

/// Verified tokens that are cached: enough for all concurrent users, a few megabytes at most.
pub const TOKENS: usize = 4_096;

/// Entries of the documents claim of one token; more would hardly fit into the first message.
pub const GRANTS: usize = 64;

/// Compiled document patterns that are cached, at about 15 KB each. That is enough for many users,
/// and for users who open many documents.
pub const PATTERNS: usize = 256;

/// The minimum bytes of a secret for HS256: the size of its hash (RFC 7518, section 3.2).
pub const SECRET_BYTES: usize = 32;

/// Seconds by which the clock of a token's issuer may differ from the relay's.
pub const TOKEN_SKEW_S: u64 = 30;

/// Frames that one connection may send per second. A person causes about ten, and a program that
/// waits for answers not many more.
pub const FRAMES_PER_S: u32 = 1_000;

/// Frames that one connection may send at once: a page that reconnects opens many documents.
pub const FRAMES_BURST: u32 = 4_000;

/// Bytes that one connection may send per second, as transferred; compressed cells are larger on
/// the disk.
pub const BYTES_PER_S: u32 = 4 * 1024 * 1024;

/// Bytes that one connection may send at once: several of the largest messages, so that offline
/// edits are stored soon.
pub const BYTES_BURST: u32 = 16 * 1024 * 1024;

/// Times per second that the presence of one connection is sent to others: enough for a smooth
/// pointer.
pub const PRESENCE_PER_S: u32 = 30;

/// Times that the presence of one connection is sent to others in one burst, as when many documents
/// open together.
pub const PRESENCE_BURST: u32 = 60;

/// The multiple of the presence rate that ends a connection: no screen is redrawn that often.
pub const PRESENCE_FLOOD: u32 = 10;

/// The multiple of one connection's rates that all connections of a user may use together: few tabs
/// of a user are busy at a time.
pub const USER_SHARE: u32 = 4;
