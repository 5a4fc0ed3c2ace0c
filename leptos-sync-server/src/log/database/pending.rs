use std::collections::VecDeque;

use super::work::Operation;
use crate::limits;

/// The write operations that wait for a commit.
///
/// Many small operations share a commit with at most one large operation, so a small operation
/// waits for at most one large one. Large operations of different documents take turns. No caller
/// relies on the order, since a connection waits for the answer before its next request.
pub(super) struct Pending<J> {
    small: VecDeque<J>,
    large: VecDeque<J>,
    /// The document of the last large operation.
    last: Option<String>,
}

impl<J> Default for Pending<J> {
    fn default() -> Self {
        Self {
            small: VecDeque::new(),
            large: VecDeque::new(),
            last: None,
        }
    }
}

impl<J: Operation> Pending<J> {
    pub(super) fn len(&self) -> usize {
        self.small.len() + self.large.len()
    }

    pub(super) fn add(&mut self, job: J) {
        match job.cells() > limits::SMALL_CELLS || job.bytes() > limits::SMALL_BYTES {
            true => self.large.push_back(job),
            false => self.small.push_back(job),
        }
    }

    /// Removes and returns the operations of the next commit.
    pub(super) fn next(&mut self) -> Vec<J> {
        let (mut cells, mut bytes) = (0, 0);
        let mut jobs: Vec<J> = self.next_large().into_iter().collect();
        while jobs.len() < limits::COMMIT_WRITES
            && cells < limits::COMMIT_CELLS
            && bytes < limits::COMMIT_BYTES
            && let Some(job) = self.small.pop_front()
        {
            cells += job.cells();
            bytes += job.bytes();
            jobs.push(job);
        }
        jobs
    }

    /// Removes and returns the first large operation, preferably of another document than the last
    /// one.
    fn next_large(&mut self) -> Option<J> {
        let last = self.last.as_deref();
        let of_other = |job: &J| job.document() != last;
        let at = self.large.iter().position(of_other).unwrap_or_default();
        let job = self.large.remove(at)?;
        self.last = job.document().map(str::to_owned);
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Write(&'static str, usize);

    impl Operation for Write {
        fn document(&self) -> Option<&str> {
            Some(self.0)
        }

        fn bytes(&self) -> usize {
            0
        }

        fn cells(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn a_small_operation_waits_for_one_large_one_at_most() {
        let mut pending = Pending::default();
        for _ in 0..3 {
            pending.add(Write("hers", limits::SMALL_CELLS + 1));
        }
        pending.add(Write("his", 1));
        pending.add(Write("his", limits::SMALL_CELLS + 1));
        let mut order = Vec::new();
        while pending.len() > 0 {
            let names = pending.next().into_iter().map(|write| write.0);
            order.push(names.collect::<Vec<_>>());
        }
        assert_eq!(order[0], ["hers", "his"]);
        assert_eq!(order[1..], [["his"], ["hers"], ["hers"]]);
    }
}
