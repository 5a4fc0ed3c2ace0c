use super::{Position, Sequence};
use crate::{error::Error, limits};

/// A period of a relay, identified by a random number; zero stands for no epoch. An epoch starts
/// when the relay opens its storage, and when its clock jumps. Within an epoch, the relay never
/// loses history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of a document that was never written.
    pub const NONE: Self = Self(0);

    /// Creates an epoch from its integer. The inverse of [`Epoch::get`].
    pub const fn new(epoch: u64) -> Self {
        Self(epoch)
    }

    /// Draws a new epoch.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn random() -> Result<Self, Error> {
        let drawn = crate::id::ReplicaId::random()?.get();
        Ok(Self(drawn.max(1)))
    }

    /// Returns the integer.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The epochs in which a document was written, each with its first sequence number, in order.
///
/// Two sides find the last number that their histories have in common by comparing these lists. At
/// most [`limits::EPOCHS`] are kept; the oldest ones are dropped first.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Epochs {
    list: Vec<(Epoch, Sequence)>,
    dropped: bool,
}

impl Epochs {
    /// Creates the list of a document that was never written.
    pub const fn new() -> Self {
        Self {
            list: Vec::new(),
            dropped: false,
        }
    }

    /// Creates a list from its elements. `dropped` is true if older ones were dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if the list is too long, names no epoch or one twice in a row, or if
    /// its numbers do not rise.
    pub fn from_list(list: Vec<(Epoch, Sequence)>, dropped: bool) -> Result<Self, Error> {
        let valid = |pair: &[(Epoch, Sequence)]| match pair {
            [one, two] => one.0 != two.0 && one.1 < two.1,
            _ => true,
        };
        let named = list
            .iter()
            .all(|(epoch, first)| *epoch != Epoch::NONE && *first > Sequence::ZERO);
        if list.len() > limits::EPOCHS || !named || !list.windows(2).all(valid) {
            return Err(Error::corrupt("a list of epochs is not in order"));
        }
        Ok(Self { list, dropped })
    }

    /// Returns the epochs, each with its first number.
    pub fn list(&self) -> &[(Epoch, Sequence)] {
        &self.list
    }

    /// Returns whether older epochs were dropped.
    pub const fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// Returns the last epoch with its first number.
    pub fn last(&self) -> Option<(Epoch, Sequence)> {
        self.list.last().copied()
    }

    /// Records that `first` is the first number of `epoch`. Does nothing if `epoch` is the last
    /// one.
    ///
    /// Epochs that start at `first` or later are removed, since their numbers were used again.
    pub fn begin(&mut self, epoch: Epoch, first: Sequence) {
        if self.last().is_some_and(|(last, _)| last == epoch) {
            return;
        }
        self.list.retain(|(_, other)| *other < first);
        self.list.push((epoch, first));
        if self.list.len() > limits::EPOCHS {
            self.list.remove(0);
            self.dropped = true;
        }
    }

    /// Removes the epochs that begin after `end`.
    pub fn cut(&mut self, end: Sequence) {
        self.list.retain(|(_, first)| *first <= end);
    }

    /// Returns the last number up to which this history, which ends at `head`, agrees with one that
    /// has a given position. Returns `None` if the position's epoch is not in the list.
    ///
    /// O(epochs).
    pub fn common(&self, head: Sequence, position: Position) -> Option<Sequence> {
        if position.sequence == Sequence::ZERO {
            return Some(Sequence::ZERO);
        }
        let at = self
            .list
            .iter()
            .rposition(|(epoch, _)| *epoch == position.epoch)?;
        let end = match self.list.get(at + 1) {
            Some((_, first)) => first.previous(),
            None => head,
        };
        Some(position.sequence.min(end))
    }

    /// Returns the last number up to which this history, which ends at `head`, agrees with another
    /// one that ends at `other_head`. Zero if they have no epoch in common. O(epochs).
    pub fn common_with(&self, head: Sequence, other: &Self, other_head: Sequence) -> Sequence {
        let shared = self.list.iter().rev().find_map(|(epoch, first)| {
            let known = other.list.iter().rev();
            let mut known = known.filter(|known| known.0 == *epoch);
            known.next().filter(|known| known.1 == *first)
        });
        let Some((epoch, _)) = shared else {
            return Sequence::ZERO;
        };
        let at = |list: &Self, head| {
            let position = Position {
                epoch: *epoch,
                sequence: Sequence::new(u64::MAX),
            };
            list.common(head, position).unwrap_or_default()
        };
        at(self, head).min(at(other, other_head))
    }

    /// Returns whether this history, which ends at `head`, contains the change at `position`.
    pub fn contains(&self, head: Sequence, position: Position) -> bool {
        self.common(head, position) == Some(position.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(list: &[(u64, u64)]) -> Epochs {
        let list = list
            .iter()
            .map(|(epoch, first)| (Epoch::new(*epoch), Sequence::new(*first)));
        Epochs::from_list(list.collect(), false).unwrap()
    }

    fn at(epoch: u64, sequence: u64) -> Position {
        Position {
            epoch: Epoch::new(epoch),
            sequence: Sequence::new(sequence),
        }
    }

    #[test]
    fn a_position_agrees_up_to_the_end_of_its_epoch() {
        let known = epochs(&[(7, 1), (8, 5), (9, 6)]);
        let common = |position| known.common(Sequence::new(9), position).map(Sequence::get);
        assert_eq!(common(at(7, 3)), Some(3));
        assert_eq!(common(at(7, 6)), Some(4), "a relay restored within epoch 7");
        assert_eq!(common(at(8, 3)), Some(3));
        assert_eq!(common(at(9, 9)), Some(9));
        assert_eq!(
            common(at(9, 12)),
            Some(9),
            "a relay restored within epoch 9"
        );
        assert_eq!(common(at(6, 3)), None);
        assert_eq!(common(Position::default()), Some(0));
        assert!(known.contains(Sequence::new(9), at(8, 5)));
        assert!(!known.contains(Sequence::new(9), at(8, 6)));
    }

    #[test]
    fn two_histories_agree_up_to_where_they_part() {
        let ours = epochs(&[(7, 1), (8, 5), (9, 8)]);
        let theirs = epochs(&[(7, 1), (8, 5), (10, 7)]);
        let common = ours.common_with(Sequence::new(9), &theirs, Sequence::new(20));
        assert_eq!(common, Sequence::new(6));
        let other = epochs(&[(11, 1)]);
        let common = ours.common_with(Sequence::new(9), &other, Sequence::new(20));
        assert_eq!(common, Sequence::ZERO);
    }

    #[test]
    fn numbers_that_are_used_again_end_the_epochs_that_used_them() {
        let mut known = epochs(&[(7, 1), (8, 5), (9, 8)]);
        known.begin(Epoch::new(10), Sequence::new(7));
        assert_eq!(known, epochs(&[(7, 1), (8, 5), (10, 7)]));
        known.begin(Epoch::new(10), Sequence::new(9));
        assert_eq!(known, epochs(&[(7, 1), (8, 5), (10, 7)]));
    }

    #[test]
    fn the_oldest_epochs_are_dropped() {
        let mut known = Epochs::new();
        for number in 1..=limits::EPOCHS as u64 + 1 {
            known.begin(Epoch::new(number), Sequence::new(number));
        }
        assert_eq!(known.list().len(), limits::EPOCHS);
        assert!(known.has_dropped());
        assert_eq!(known.common(Sequence::new(9_999), at(1, 1)), None);
    }

    #[test]
    fn a_list_out_of_order_is_corrupt() {
        let list = |pairs: &[(u64, u64)]| {
            let pairs = pairs
                .iter()
                .map(|(epoch, first)| (Epoch::new(*epoch), Sequence::new(*first)));
            Epochs::from_list(pairs.collect(), false).is_err_and(|error| error.is_corrupt())
        };
        assert!(list(&[(7, 2), (8, 2)]));
        assert!(list(&[(7, 1), (7, 2)]));
        assert!(list(&[(0, 1)]));
        assert!(list(&[(7, 0)]));
    }
}
