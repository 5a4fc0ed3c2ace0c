use std::collections::VecDeque;

use super::work::Operation;
use crate::limits;

/// The write operations that wait for a commit.
///
/// Many small operations share a commit with at most one large operation. Those that arrive during
/// that commit have the next one to themselves. So a small operation waits for at most one large
/// one, even one that is already running. Large operations of different documents take turns. No
/// caller relies on the order, since a connection waits for the answer before its next request.
pub(super) struct Pending<J> {
    small: VecDeque<J>,
    large: VecDeque<J>,
    /// The document of the last large operation.
    last: Option<String>,
    /// Whether the last commit has a large operation.
    was_large: bool,
}

impl<J> Default for Pending<J> {
    fn default() -> Self {
        Self {
            small: VecDeque::new(),
            large: VecDeque::new(),
            last: None,
            was_large: false,
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
        let mut jobs = Vec::new();
        if !self.was_large || self.small.is_empty() {
            jobs.extend(self.next_large());
        }
        self.was_large = !jobs.is_empty();
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

    fn add(pending: &mut Pending<Write>, document: &'static str, cells: usize) {
        pending.add(Write(document, cells));
    }

    fn next(pending: &mut Pending<Write>) -> Vec<&'static str> {
        pending.next().into_iter().map(|write| write.0).collect()
    }

    const LARGE: usize = limits::SMALL_CELLS + 1;

    #[test]
    fn large_operations_of_different_documents_take_turns() {
        let mut pending = Pending::default();
        for _ in 0..3 {
            add(&mut pending, "hers", LARGE);
        }
        add(&mut pending, "his", 1);
        add(&mut pending, "his", LARGE);
        let mut order = Vec::new();
        while pending.len() > 0 {
            order.push(next(&mut pending));
        }
        assert_eq!(order[0], ["hers", "his"]);
        assert_eq!(order[1..], [["his"], ["hers"], ["hers"]]);
    }

    #[test]
    fn a_small_operation_waits_for_one_large_one_at_most_even_if_that_has_begun() {
        let mut pending = Pending::default();
        for _ in 0..3 {
            add(&mut pending, "hers", LARGE);
        }
        assert_eq!(next(&mut pending), ["hers"]);
        add(&mut pending, "his", 1);
        assert_eq!(next(&mut pending), ["his"]);
        // Small operations do not keep large ones waiting either.
        add(&mut pending, "his", 1);
        assert_eq!(next(&mut pending), ["hers", "his"]);
        assert_eq!(next(&mut pending), ["hers"]);
    }
}
