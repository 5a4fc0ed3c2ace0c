//! The limits of the relay, each with its unit and reason. The limits of cells and messages are in
//! [`leptos_sync_core::limits`].

/// The maximum size of a document's name in bytes, as in the storage of a browser.
pub const NAME_BYTES: usize = leptos_sync_core::limits::NAME_BYTES;

/// The maximum size of a user's name in bytes, as in messages.
pub const USER_BYTES: usize = leptos_sync_core::limits::USER_BYTES;

/// The maximum size of an origin in bytes. A host has at most 253, and a scheme and a port are
/// short.
pub const ORIGIN_BYTES: usize = 512;

/// The default number of documents that one connection may have open. A page shows fewer, and they
/// do not exhaust the relay's memory.
pub const DOCUMENTS: usize = 256;

/// The maximum number of writes in the queue of the log's writer. Further ones wait for room. The
/// queue holds the writes of a few commits, so the writer is never idle and the queue drains
/// quickly.
pub const QUEUED_WRITES: usize = 1024;

/// The maximum number of reads in the queue of the log's readers. Further ones wait for room.
pub const QUEUED_READS: usize = 1024;

/// The maximum number of writes in a commit. Sharing a commit shortens the wait for the disk. With
/// more writes, the first would wait for the last.
pub const COMMIT_WRITES: usize = 512;

/// The size of the cells in bytes beyond which no further write joins a commit. Writing that many
/// takes as long as a few commits.
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// The number of cells beyond which no further write joins a commit.
pub const COMMIT_CELLS: usize = leptos_sync_core::limits::TRANSACTION_CELLS;

/// The maximum number of cells of a small write, which takes a few milliseconds. At most one larger
/// write joins a commit.
pub const SMALL_CELLS: usize = 1_024;

/// The maximum size in bytes of the cells of a small write.
pub const SMALL_BYTES: usize = 256 * 1024;

/// The size in bytes of the cells that are joined in one step if an offer has more than
/// [`COMMIT_CELLS`]. A cell takes at least two bytes.
pub const STEP_BYTES: usize = 64 * 1024;

/// The maximum number of cells that are removed at a time, so that writes never wait long for the
/// removal of tombstones or of a document.
pub const STEP_CELLS: usize = 500;

/// The maximum number of pages that are read for clients at a time. A log has as many read
/// connections, so further reads wait in a fair queue and not in that of the log.
pub const READINGS: usize = READERS;

/// The maximum number of pages that are being read for one user at a time. So other users never
/// wait for more reads of this user.
pub const USER_READINGS: usize = 2;

/// The default number of read connections of a log. Readers wait more for the disk than for the
/// processor.
pub const READERS: usize = 4;

/// The time in milliseconds to wait for another process that locks the same file, such as a backup
/// or an interactive shell.
pub const BUSY_MS: u64 = 5_000;

/// The size in bytes to which SQLite's write-ahead log is cut after a checkpoint. The log grows
/// further while a reader uses an older state.
pub const WAL_BYTES: u64 = 64 * 1024 * 1024;

/// The time in milliseconds between attempts to empty SQLite's write-ahead log, which still
/// contains recently removed and replaced values. Emptying it costs a few disk writes.
pub const TIDY_MS: u64 = 60_000;

/// The maximum number of events in the queue of one connection. Changes that are stored together
/// are one event. The connection reads further changes from the log, which costs less than the
/// events would.
pub const QUEUED_EVENTS: usize = 256;

/// The size in bytes of the pages in the queue of one connection beyond which the next pages are
/// read from the log instead.
pub const QUEUED_BYTES: usize = 256 * 1024;

/// The time in milliseconds for which stored changes wait for earlier ones to be sent to the other
/// clients. Sending takes microseconds once a change is stored. If an earlier change is never sent,
/// clients notice the gap.
pub const PUBLISH_MS: u64 = 50;

/// The maximum number of connections of a document whose presence is sent to the others. A user
/// cannot follow more. Further ones stay invisible until one of these disconnects and they send
/// their presence again.
pub const PRESENT: usize = 256;

/// The time in milliseconds that a connection may take to accept a frame.
pub const SEND_MS: u64 = 10_000;

/// The silence in milliseconds after which a connection is considered dead. Clients send a
/// heartbeat after a third of it.
pub const SILENCE_MS: u32 = leptos_sync_core::limits::SILENCE_MS as u32;

/// The maximum number of connections of one user at a time, for tabs and devices.
pub const USER_SOCKETS: usize = 16;

/// The maximum number of names of documents that a log lists at a time. They take at most about 100
/// KB, and listing many documents takes few calls.
pub const LISTED: usize = 500;

/// The default number of days for which a relay keeps tombstones. Clients that were offline longer
/// compare all their cells with the relay's, which costs more than reading the changes. So the
/// retention is longer than a holiday. Three months of tombstones need little space.
pub const RETENTION_DAYS: u32 = 90;

/// The step in milliseconds of which a document's floor is a multiple. So a document that is edited
/// every day is processed at most once a day, even if the relay sweeps or restarts more often.
pub const FLOOR_STEP_MS: u64 = 24 * 60 * 60 * 1000;

/// The minimum jump in milliseconds of the machine's clock, compared with its boot clock, after
/// which the relay distrusts the machine's clock. A clock that is slewed gains or loses half a
/// millisecond per second.
pub const CLOCK_JUMP_MS: u64 = 5_000;

/// The time in milliseconds for which the machine's clock must be stable after a jump until the
/// relay uses it. A clock that was set by mistake is corrected within that time.
pub const CLOCK_SETTLE_MS: u64 = 10 * 60 * 1000;

/// The time in milliseconds between sweeps for old tombstones. It is short compared with a
/// retention of days, and visiting each document four times a day costs little.
pub const SWEEP_MS: u64 = 6 * 60 * 60 * 1000;

/// The time in milliseconds from the start of a relay to the first sweep. By then, clients have
/// caught up after a restart, and the machine's clock is set.
pub const FIRST_SWEEP_MS: u64 = 10 * 60 * 1000;

/// The approximate size in bytes of a page of changes, and of a range of cells. It is one frame of
/// a connection, and takes some milliseconds to read.
pub const PAGE_BYTES: usize = leptos_sync_core::limits::FRAME_BYTES;

/// The size in bytes of the read buffer of a WebSocket, a large part of the memory of an idle
/// connection.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024;

/// The maximum size in bytes of a WebSocket message. It exceeds that of a frame, so that the relay
/// can answer a frame that is too large. An even larger message ends the connection without an
/// answer.
pub const SOCKET_MESSAGE_BYTES: usize = 2 * leptos_sync_core::limits::FRAME_BYTES;

/// The maximum size in bytes of the header of a WebSocket frame from a client (RFC 6455, section
/// 5.2).
pub const SOCKET_HEADER_BYTES: usize = 14;

/// The maximum number of bytes that an admitted client sends on a WebSocket before the end of a
/// message, if the app is served by `serve`. A message of the maximum size in many fragments fits.
pub const UNFINISHED_BYTES: usize = 2 * SOCKET_MESSAGE_BYTES;

/// The maximum size in bytes of everything that a client sends on a WebSocket before it is
/// admitted, if the app is served by `serve`: its hello, with the headers of WebSocket frames.
pub const GREETING_BYTES: usize = 2 * leptos_sync_core::limits::HELLO_BYTES;

/// The time in milliseconds that the log may take for a health check.
pub const HEALTH_MS: u64 = 2_000;

/// The time in milliseconds after which an unfinished write makes the relay unhealthy. A busy disk
/// takes a fraction of it.
pub const STALLED_MS: u64 = 10_000;

/// The time in milliseconds between compactions of the histograms while no client requests the
/// metrics. A few thousand values accumulate in that time.
pub const UPKEEP_MS: u64 = 5_000;

/// The time in milliseconds that a client may take to receive the reason for the end of its
/// connection.
pub const LINGER_MS: u64 = 1_000;

/// The maximum time in milliseconds that `serve` takes to shut down. During that time, the relay
/// notifies clients and stores the transactions that it has received.
pub const SHUT_DOWN_MS: u64 = 5_000;

/// The default number of TCP connections that `serve` keeps open at a time. They take about 150 MB
/// of memory.
pub const CONNECTIONS: usize = 10_000;

/// The time in milliseconds that a new connection may take to send the head of its first request.
/// It suffices for many round trips of a slow network.
pub const HEADER_MS: u64 = 10_000;

/// The time in milliseconds that an HTTP connection may stay open without a further request.
/// Proxies reuse connections, and expect them to stay open for a minute. For WebSockets,
/// [`SILENCE_MS`] applies instead.
pub const IDLE_MS: u64 = 75_000;

/// The time in milliseconds for which an HTTP connection may wait for a client that neither accepts
/// a byte of an answer nor sends one of a request's body. A system reports free space in the buffer
/// of a socket only when a third is free, which takes a while if the client is slow. For the frames
/// of a WebSocket, [`SEND_MS`] applies instead.
pub const STALL_MS: u64 = 60_000;

/// The number of open files that `serve` reserves for the database, its readers and the files of
/// the app.
pub const RESERVED_FILES: u64 = 128;

/// The maximum number of cached tokens. It suffices for all concurrent users and takes a few
/// megabytes at most.
pub const TOKENS: usize = 4_096;

/// The maximum number of entries in the documents claim of a token. More would hardly fit into the
/// first message.
pub const GRANTS: usize = 64;

/// The maximum number of cached compiled patterns, at about 15 KB each. It suffices for many users,
/// and for users who open many documents.
pub const PATTERNS: usize = 256;

/// The minimum size in bytes of a secret for HS256: the size of its hash (RFC 7518, section 3.2).
pub const SECRET_BYTES: usize = 32;

/// The maximum difference in seconds between the clocks of a token's issuer and of the relay.
pub const TOKEN_SKEW_S: u64 = 30;

/// The number of frames that one connection may send per second. If the app is served by `serve`,
/// the additional fragments of WebSocket messages have the same rate, by their headers. A person
/// causes about ten, and a program that waits for answers not many more.
pub const FRAMES_PER_S: u32 = 1_000;

/// The number of frames that one connection may send in one burst. A page that reconnects opens
/// many documents.
pub const FRAMES_BURST: u32 = 4_000;

/// The number of WebSocket pings and pongs that one connection may send per second. Browsers send
/// none, and other clients a few per minute.
pub const CONTROL_FRAMES_PER_S: u32 = 50;

/// The number of WebSocket pings and pongs that one connection may send in one burst. Beyond it,
/// the relay ends the connection.
pub const CONTROL_FRAMES_BURST: u32 = 500;

/// The number of bytes that one connection may send per second, as transferred. Compressed cells
/// are larger on the disk.
pub const BYTES_PER_S: u32 = 4 * 1024 * 1024;

/// The number of bytes that one connection may send in one burst. Several of the largest messages
/// fit, so that offline edits are stored soon.
pub const BYTES_BURST: u32 = 16 * 1024 * 1024;

/// The number of bytes as which each cell of an edit or offer, and each adopted id, is counted, in
/// addition to the bytes of its message. The database takes as long for a cell of a few bytes as
/// for one of a few hundred.
pub const CELL_COST: usize = 512;

/// The maximum number of presence updates of one connection that the relay sends per second. It
/// suffices for a smooth pointer.
pub const PRESENCE_PER_S: u32 = 30;

/// The number of times that the presence of one connection is sent to others in one burst, for
/// example when many documents open together.
pub const PRESENCE_BURST: u32 = 60;

/// The multiple of the presence rate that ends a connection. No screen is redrawn that often.
pub const PRESENCE_FLOOD: u32 = 10;

/// The multiple of one connection's rates that all connections of a user may use together. Few tabs
/// of a user are busy at a time.
pub const USER_SHARE: u32 = 4;
