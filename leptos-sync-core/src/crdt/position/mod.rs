//! The positions of a list's elements: strings of bytes, between any two of which there is another
//! one.
//!
//! A position is a path of steps, as in Fugue (Weidner, Gentle and Kleppmann, "The Art of the
//! Fugue", 2023) and the position strings that its authors published. Each step has a number, the
//! origin of its writer's ids, and an index:
//!
//! ```text
//! position = step+
//! step     = number, 0 if the origin is that of the step before, or 1 and the origin, index
//!
//! Ada appends twice, and Bob between the two:
//!
//!   a       0·Ada·0
//!   b       0·Ada·1   0·Bob·0        in the slot to the left of c
//!   c       0·Ada·2
//! ```
//!
//! An even index is an element of a run, and an odd one is the slot to the left of the next
//! element. A writer that continues its own run, forwards or backwards, only changes the index. In
//! a slot, and at the ends of the list, a new step gets a number between those of its neighbours.
//! So two runs that are inserted at one place at the same time do not interleave, and appending
//! never lengthens positions.
//!
//! This departs from Fugue in the numbers: with them, the position of a removed neighbour need not
//! be kept, and the order does not depend on a tree of all elements that ever existed. The price is
//! that inserting alternately at both sides of one place adds a byte or two each time. Before a
//! position exceeds [`MOST_BYTES`], [`Placement`] gives its neighbours new ones.

mod number;
mod step;
#[cfg(test)]
mod tests;

use self::step::{Number, Step};

/// The most bytes of a position. A longer one costs more to store than its neighbours' new ones.
pub const MOST_BYTES: usize = 256;

/// The lengths in bytes up to which a position may stay when its neighbours get new ones, which are
/// a step longer.
const SHORT_BYTES: [usize; 5] = [192, 160, 128, 96, 64];

/// The place of an element among others, which sort by their positions and then by their ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position(Box<[u8]>);

/// The position of a new element, and the new positions of its neighbours, if any had to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// The position of the new element.
    pub position: Position,
    /// The new positions of the elements before it, the nearest one first. Usually there are none.
    pub before: Vec<Position>,
    /// The new positions of the elements after it, the nearest one first. Usually there are none.
    pub after: Vec<Position>,
}

impl Position {
    /// Parses the bytes of a position. Returns `None` if they are invalid. O(bytes).
    pub fn read(bytes: &[u8]) -> Option<Self> {
        steps(bytes).map(|_| Self(bytes.into()))
    }

    /// Returns the bytes, which sort like positions.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(steps: &[Step]) -> Option<Self> {
        let (mut bytes, mut before) = (Vec::new(), None);
        for step in steps {
            step.write(before, &mut bytes)?;
            before = Some(step.origin);
        }
        (bytes.len() <= MOST_BYTES).then(|| Self(bytes.into()))
    }

    fn steps(&self) -> Vec<Step> {
        // The bytes were checked when the position was made.
        steps(&self.0).unwrap_or_default()
    }

    /// Returns a position between two others, of which `left` is less than `right`. `origin` is
    /// that of the writer's ids. O(bytes).
    ///
    /// Returns `None` if it would be too long.
    pub fn between(left: Option<&Self>, right: Option<&Self>, origin: u64) -> Option<Self> {
        let lies_between = |position: &Self| {
            left.is_none_or(|left| left < position) && right.is_none_or(|right| position < right)
        };
        let left_steps = left.map(Self::steps).unwrap_or_default();
        let right_steps = right.map(Self::steps).unwrap_or_default();
        let next = continued(&left_steps, origin, 2).filter(lies_between);
        let next = next.or_else(|| continued(&right_steps, origin, -2).filter(lies_between));
        next.or_else(|| Self::of(&branch(&left_steps, &right_steps, origin)))
    }
}

/// Reads the steps of a position.
fn steps(bytes: &[u8]) -> Option<Vec<Step>> {
    let (mut steps, mut rest) = (Vec::<Step>::new(), bytes);
    while !rest.is_empty() {
        let step;
        (step, rest) = Step::read(rest, steps.last().map(|step| step.origin))?;
        steps.push(step);
    }
    let is_element = steps.last().is_some_and(|last| last.index % 2 == 0);
    (is_element && bytes.len() <= MOST_BYTES).then_some(steps)
}

/// Returns the next position of a run, if it is one of the writer's own.
fn continued(steps: &[Step], origin: u64, by: i64) -> Option<Position> {
    let (last, before) = steps.split_last()?;
    if last.origin != origin {
        return None;
    }
    let index = last.index + by;
    let last = Step {
        index,
        ..last.clone()
    };
    Position::of(&[before, &[last]].concat())
}

/// Returns the steps of the first element of a run between two others.
fn branch(left: &[Step], right: &[Step], origin: u64) -> Vec<Step> {
    let pairs = left.iter().zip(right);
    let shared = pairs.take_while(|(one, other)| one == other).count();
    let below = |steps: &[Step], low: Option<&Step>, high: Option<&Step>| {
        let number = |step: Option<&Step>| step.map(|step| step.number.clone());
        let step = Step {
            number: Number::between(number(low).as_ref(), number(high).as_ref()),
            origin,
            index: 0,
        };
        [steps, &[step]].concat()
    };
    let first = |steps: &[Step], count| steps.get(..count).unwrap_or_default().to_vec();
    let (one, other) = match (left.get(shared), right.get(shared)) {
        (Some(one), Some(other)) if one.number == other.number => (one, other),
        // Both are in one slot, or the right one is in a slot of the left one.
        (one, other) => return below(&first(left, shared), one, other),
    };
    if one.origin != other.origin {
        return below(left, None, None);
    }
    let at = shared + 1;
    if right.len() > at {
        // To the left of what is already in the slot that the right one is in.
        return below(&first(right, at), None, right.get(at));
    }
    let mut slot = first(right, at);
    if let Some(last) = slot.last_mut() {
        last.index -= 1;
    }
    let neighbour = left.get(at).filter(|_| left.get(..at) == Some(&slot));
    below(&slot, neighbour, None)
}

impl Placement {
    /// Finds the place of a new element between two neighbours. `before` and `after` are the
    /// positions of the elements on both sides, the nearest ones first. O(bytes), unless neighbours
    /// get new positions.
    ///
    /// The neighbours that get new positions are those after it that have the same position as the
    /// one before it, and if the position would be too long, those up to short ones.
    pub fn find<'a>(
        before: impl Iterator<Item = &'a Position>,
        after: impl Iterator<Item = &'a Position>,
        origin: u64,
    ) -> Self {
        let (mut left, mut right) = (Side::new(before), Side::new(after));
        while let (Some(one), Some(other)) = (left.end.edge, right.end.edge)
            && other <= one
        {
            right.extend();
        }
        let place = |(left, right): (End<'a>, End<'a>)| {
            let all = run(left.edge, right.edge, left.moved + 1 + right.moved, origin)?;
            Some(Self::of(all, left.moved))
        };
        let near = place((left.end, right.end));
        let short = || {
            let ends = SHORT_BYTES.map(|bytes| {
                left.extend_beyond(bytes);
                right.extend_beyond(bytes);
                (left.end, right.end, MOST_BYTES - bytes)
            });
            // The fewest for each later element that the room allows.
            let cost = |(left, right, room): &(End<'_>, End<'_>, usize)| {
                (left.moved + right.moved) * MOST_BYTES / room
            };
            let best = ends.into_iter().min_by_key(cost);
            best.and_then(|(left, right, _)| place((left, right)))
        };
        let found = near.or_else(short).or_else(|| {
            left.extend_beyond(0);
            right.extend_beyond(0);
            place((left.end, right.end))
        });
        // A run that may begin and end anywhere is short.
        found.unwrap_or_else(|| Self::of(Vec::new(), 0))
    }

    /// Creates a placement from the positions of all moved elements and the new one, which is
    /// preceded by `count` others.
    fn of(mut all: Vec<Position>, count: usize) -> Self {
        let after = all.split_off((count + 1).min(all.len()));
        let mut before = all;
        // There is at least the position of the new element.
        let position = before.pop().unwrap_or_else(|| Position(Box::default()));
        before.reverse();
        Self {
            position,
            before,
            after,
        }
    }
}

/// The neighbours of a new element at one of its sides.
struct Side<'a, I> {
    end: End<'a>,
    rest: I,
}

/// The neighbours at one side that get new positions.
#[derive(Clone, Copy)]
struct End<'a> {
    /// The nearest one that keeps its position.
    edge: Option<&'a Position>,
    /// The number of nearer ones.
    moved: usize,
}

impl<'a, I: Iterator<Item = &'a Position>> Side<'a, I> {
    fn new(mut rest: I) -> Self {
        let edge = rest.next();
        Self {
            end: End { edge, moved: 0 },
            rest,
        }
    }

    fn extend(&mut self) {
        self.end.moved += usize::from(self.end.edge.is_some());
        self.end.edge = self.rest.next();
    }

    /// Extends the side to the nearest position of at most this length.
    fn extend_beyond(&mut self, bytes: usize) {
        while self.end.edge.is_some_and(|edge| edge.0.len() > bytes) {
            self.extend();
        }
    }
}

/// Returns `count` increasing positions between `left` and `right`.
fn run(
    left: Option<&Position>,
    right: Option<&Position>,
    count: usize,
    origin: u64,
) -> Option<Vec<Position>> {
    let mut all = Vec::<Position>::with_capacity(count);
    for _ in 0..count {
        let next = Position::between(all.last().or(left), right, origin)?;
        all.push(next);
    }
    Some(all)
}
