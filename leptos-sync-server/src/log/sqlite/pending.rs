use std::collections::VecDeque;

use super::work::Job;
use crate::limits;

/// The write operations that wait for a commit.
///
/// Many small operations share a commit with at most one large operation, so a small operation
/// waits for at most one large one. Large operations of different documents take turns. No caller
/// relies on the order, since a connection waits for the answer before its next request.
#[derive(Default)]
pub(super) struct Pending {
    small: VecDeque<Job>,
    large: VecDeque<Job>,
    /// The document of the last large operation.
    last: Option<String>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.small.len() + self.large.len()
    }

    pub(super) fn add(&mut self, job: Job) {
        match job.work.cells() > limits::SMALL_CELLS || job.work.bytes() > limits::SMALL_BYTES {
            true => self.large.push_back(job),
            false => self.small.push_back(job),
        }
    }

    /// Removes and returns the operations of the next commit.
    pub(super) fn next(&mut self) -> Vec<Job> {
        let (mut cells, mut bytes) = (0, 0);
        let mut jobs: Vec<Job> = self.next_large().into_iter().collect();
        while jobs.len() < limits::COMMIT_WRITES
            && cells < limits::COMMIT_CELLS
            && bytes < limits::COMMIT_BYTES
            && let Some(job) = self.small.pop_front()
        {
            cells += job.work.cells();
            bytes += job.work.bytes();
            jobs.push(job);
        }
        jobs
    }

    /// Removes and returns the first large operation, preferably of another document than the last
    /// one.
    fn next_large(&mut self) -> Option<Job> {
        let last = self.last.as_deref();
        let of_other = |job: &Job| job.work.document() != last;
        let at = self.large.iter().position(of_other).unwrap_or_default();
        let job = self.large.remove(at)?;
        self.last = job.work.document().map(str::to_owned);
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use leptos_sync_core::{
        Delta, ReplicaId, Stamp, Time, VersionVector,
        cells::{CellRef, PathBuf},
    };
    use tokio::sync::oneshot;

    use super::{super::work::Work, *};

    fn job(document: &str, cells: usize) -> Job {
        let stamp = Stamp::new(Time::new(1), ReplicaId::new(1));
        let upto = VersionVector::of(stamp.replica, stamp.time);
        let delta = Delta::collect(VersionVector::new(), upto, |out| {
            out.group(PathBuf::new().as_path());
            for at in 0..cells as u32 {
                out.copy(CellRef {
                    key: &at.to_be_bytes(),
                    stamp,
                    value: None,
                });
            }
        });
        Job {
            work: Work::Append {
                document: document.to_owned(),
                deltas: vec![delta.unwrap()],
                user: None,
            },
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn a_small_operation_waits_for_one_large_one_at_most() {
        let mut pending = Pending::default();
        for _ in 0..3 {
            pending.add(job("hers", limits::SMALL_CELLS + 1));
        }
        pending.add(job("his", 1));
        pending.add(job("his", limits::SMALL_CELLS + 1));
        let mut order = Vec::new();
        while pending.len() > 0 {
            let jobs = pending.next();
            let names = jobs
                .iter()
                .map(|job| job.work.document().unwrap().to_owned());
            order.push(names.collect::<Vec<_>>());
        }
        assert_eq!(order[0], ["hers", "his"]);
        assert_eq!(order[1..], [["his"], ["hers"], ["hers"]]);
    }
}
