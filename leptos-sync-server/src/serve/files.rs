//! The process's limit of open files. Each connection takes one.

/// Raises the limit for `connections`, as far as the system permits. Returns the number of
/// connections that fit.
#[cfg(unix)]
pub(super) fn room_for(connections: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use crate::limits::RESERVED_FILES;

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let fits =
        |files: Option<u64>| files.map_or(u64::MAX, |files| files.saturating_sub(RESERVED_FILES));
    let wanted = connections as u64;
    let mut room = fits(current);
    if room < wanted {
        let files = wanted
            .saturating_add(RESERVED_FILES)
            .min(maximum.unwrap_or(u64::MAX));
        let raised = Rlimit {
            current: Some(files),
            maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => room = fits(Some(files)),
            Err(error) => tracing::warn!(%error, "cannot raise the limit of open files"),
        }
    }
    if room < wanted {
        tracing::warn!(
            wanted,
            connections = room,
            "the limit of open files is too low for the connections that are allowed; raise it, \
             for example with `LimitNOFILE` of systemd"
        );
    }
    // Serve at least one connection, even if the limit is below the reserve.
    wanted.min(room).max(1) as usize
}

/// Returns `connections`, since other systems have no such limit.
#[cfg(not(unix))]
pub(super) fn room_for(connections: usize) -> usize {
    connections
}
