//! Log lines on stderr. Logging never fails and never waits, so a closed, full or unread stderr
//! does not affect connections. A thread writes the lines; while it cannot keep up, lines are
//! dropped.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

/// The maximum size in bytes of the lines that wait. A busy relay writes as much in some seconds.
const WAITING_BYTES: usize = 1024 * 1024;

/// The maximum time for writing the last lines when the program ends.
const LAST: Duration = Duration::from_secs(1);

/// The log of the process.
#[derive(Clone)]
pub(crate) struct LogLines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The number of lines that were dropped since the last line was written.
    dropped: usize,
    /// Whether the thread is writing a line.
    is_writing: bool,
}

impl LogLines {
    /// Starts the thread that writes the lines.
    pub(crate) fn start() -> io::Result<Self> {
        let lines = Self(Arc::default());
        let shared = Arc::clone(&lines.0);
        let write = move || {
            loop {
                let line = shared.next();
                // There is no place left to report an error.
                let _ = io::stderr().write_all(&line);
            }
        };
        thread::Builder::new()
            .name("log lines".to_owned())
            .spawn(write)?;
        Ok(lines)
    }

    /// Waits until all lines are written, at most [`LAST`].
    pub(crate) fn finish(&self) {
        let end = Instant::now() + LAST;
        let mut waiting = self.0.waiting.lock();
        while waiting.is_writing || !waiting.lines.is_empty() {
            if self.0.changed.wait_until(&mut waiting, end).timed_out() {
                return;
            }
        }
    }
}

impl Shared {
    /// Waits for the next line.
    fn next(&self) -> Vec<u8> {
        let mut waiting = self.waiting.lock();
        waiting.is_writing = false;
        self.changed.notify_all();
        loop {
            if waiting.dropped > 0 && waiting.bytes < WAITING_BYTES / 2 {
                let dropped = std::mem::take(&mut waiting.dropped);
                waiting.is_writing = true;
                return format!("{dropped} log lines were dropped: stderr is too slow\n").into();
            }
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                waiting.is_writing = true;
                return line;
            }
            self.changed.wait(&mut waiting);
        }
    }
}

impl Write for LogLines {
    /// Queues a line, or drops it if too many wait.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting.lock();
        if waiting.bytes + line.len() > WAITING_BYTES {
            waiting.dropped += 1;
        } else {
            waiting.bytes += line.len();
            waiting.lines.push_back(line.to_vec());
        }
        drop(waiting);
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
