//! Every bound of the relay, by name, with its unit and its reason. Those of cells and messages are the core's.

/// Bytes of a document's name: as in the storage of a browser.
pub const NAME_BYTES: usize = leptos_sync_core::limits::NAME_BYTES;

/// Bytes of a user's name, as in messages.
pub const USER_BYTES: usize = leptos_sync_core::limits::USER_BYTES;

/// Bytes of an origin: a host has at most 253, and a scheme and a port stand beside it.
pub const ORIGIN_BYTES: usize = 512;

/// Documents that one connection may have open by default: more than a page shows, and few enough that one connection cannot
/// use up the relay's memory.
pub const DOCUMENTS: usize = 256;

/// Writes that wait for the log's writer; whoever brings more waits for room. Some commits' worth, so that the writer never
/// waits for somebody, and no more than can be answered in a moment.
pub const QUEUED_WRITES: usize = 1024;

/// Reads that wait for one of the log's readers; whoever brings more waits for room.
pub const QUEUED_READS: usize = 1024;

/// Writes that share a commit. Waiting for the disk is then little for each; more would only make the first wait for the last.
pub const COMMIT_WRITES: usize = 512;

/// Bytes of cells beyond which no further write joins a commit: so much is written within the time of a few commits.
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// Cells that are removed at a time, so that writes never wait long behind the forgetting of tombstones or the removal of a
/// document.
pub const STEP_CELLS: usize = 500;

/// Bytes of cells that are put into the order of their paths in memory. Where somebody lacks more, the document is read in
/// that order, whole.
pub const SORT_BYTES: usize = 8 * 1024 * 1024;

/// Connections of a log that read, by default: readers wait for the disk more than for a processor.
pub const READERS: usize = 4;

/// Milliseconds to wait for somebody else who writes to the same file: a backup or a person with a shell.
pub const BUSY_MS: u64 = 5_000;

/// Bytes of SQLite's log that stay after a checkpoint. It grows beyond while a reader holds an older state.
pub const WAL_BYTES: u64 = 64 * 1024 * 1024;

/// Events that wait to be told to one connection: what was stored together is one. Who is further behind is cut off, and goes
/// on from the version that was reached, which costs less than the events would.
pub const QUEUED_EVENTS: usize = 256;

/// Bytes of the events that wait to be told to one connection, beyond which the next one cuts it off.
pub const QUEUED_BYTES: usize = 256 * 1024;

/// Connections of a document whose presence the others are told; nobody looks at more pointers. Further ones are not seen until
/// one of these has gone and they tell theirs again.
pub const PRESENT: usize = 256;

/// Milliseconds that a connection may take to accept a frame.
pub const SEND_MS: u64 = 10_000;

/// Milliseconds of silence after which a connection counts as dead. Replicas say something after a third of it.
pub const SILENCE_MS: u32 = leptos_sync_core::limits::SILENCE_MS as u32;

/// Connections that one user may have at a time: tabs and devices.
pub const USER_SOCKETS: usize = 16;

/// Replica ids that one pushed delta may name: a transaction is of one, and what was written before there was a relay comes as one
/// delta for each.
pub const DELTA_REPLICAS: usize = 16;

/// Replica ids that are remembered to be the user's of a connection; the log is asked again for others.
pub const KNOWN_REPLICAS: usize = 1_024;

/// Names of documents that a log lists at a time: some 100 KB at most, and few questions for many documents.
pub const LISTED: usize = 500;

/// Days that a relay keeps tombstones by default. Who was away for longer gets the whole state, which costs more than what has
/// changed, so it is longer than holidays and leaves; and tombstones of a season take little room.
pub const RETENTION_DAYS: u32 = 90;

/// Milliseconds by which the floor of a document rises at least, and at multiples of which it stands: a document that is written
/// every day is worked on once a day, however often a relay looks or is started.
pub const FLOOR_STEP_MS: u64 = 24 * 60 * 60 * 1000;

/// Milliseconds between the times that a relay looks for tombstones to forget. Against a retention of days it is little, and
/// four times a day a look at each document costs nothing that is noticed.
pub const SWEEP_MS: u64 = 6 * 60 * 60 * 1000;

/// Milliseconds from the start of a relay to the first of these times: by then those who come back after a restart have what
/// they lack, and the machine's clock has been set.
pub const FIRST_SWEEP_MS: u64 = 10 * 60 * 1000;

/// Bytes of a part of what a replica lacks.
pub const PART_BYTES: usize = 128 * 1024;

/// Bytes of the buffer that a WebSocket reads into: of ten thousand that have nothing to say, it is most of the memory.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024;

/// Bytes of a WebSocket's message that are read: more than a frame may have, so that whoever sends one that is too large is told
/// so. What is larger still ends the connection unread.
pub const SOCKET_MESSAGE_BYTES: usize = 2 * leptos_sync_core::limits::FRAME_BYTES;

/// Milliseconds that the log may take to answer that it is there.
pub const HEALTH_MS: u64 = 2_000;

/// Milliseconds between the times that figures are put together while nobody asks for them: some thousands of them wait.
pub const UPKEEP_MS: u64 = 5_000;

/// Milliseconds that a connection which was ended may take to hear so.
pub const LINGER_MS: u64 = 1_000;

/// Milliseconds that the program takes at most to end, once asked: connections are told, and what has come is stored.
pub const SHUT_DOWN_MS: u64 = 5_000;

/// Tokens that were verified and are remembered: as many as users are there at a time, some megabytes at most.
pub const TOKENS: usize = 4_096;

/// Documents or patterns of them that one token may name: more do not fit into the first message well.
pub const GRANTS: usize = 64;

/// Patterns of documents that stay compiled, at some 15 KB each: those that many users share, and those of who opens many
/// documents.
pub const PATTERNS: usize = 256;

/// Bytes of a secret for HS256 at least: as many as its hash has, as RFC 7518 demands.
pub const SECRET_BYTES: usize = 32;

/// Seconds that the clock of who signs tokens may be ahead of the relay's.
pub const TOKEN_SKEW_S: u64 = 30;

/// Frames that one connection may bring in a second: a person makes ten, and a program that waits for each answer no more.
pub const FRAMES_PER_S: u32 = 1_000;

/// Frames that one connection may bring at once: many documents are opened when a page comes back.
pub const FRAMES_BURST: u32 = 4_000;

/// Bytes that one connection may bring in a second, as they come: compressed cells are more on the disk. Much for a replica that
/// goes on.
pub const BYTES_PER_S: u32 = 4 * 1024 * 1024;

/// Bytes that one connection may bring at once: some of the largest messages, so that what was made offline is soon there.
pub const BYTES_BURST: u32 = 16 * 1024 * 1024;

/// Times in a second that the presence of one connection is told to others: a pointer moves smoothly with so many.
pub const PRESENCE_PER_S: u32 = 30;

/// Times that the presence of one connection is told to others at once: as many documents open together.
pub const PRESENCE_BURST: u32 = 60;

/// Times the rate of presence at which a connection is ended: no screen is drawn so often.
pub const PRESENCE_FLOOD: u32 = 10;

/// Times what one connection may bring that all of a user's may together: few of somebody's tabs are busy at a time.
pub const USER_SHARE: u32 = 4;
