use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

/// A list as simple as can be: positions with the number of the element, in order.
type List = Vec<(Position, usize)>;

/// Inserts an element before the one at `at`. Gives its neighbours new positions if necessary, and
/// returns how many.
fn insert(list: &mut List, at: usize, element: usize, origin: u64) -> usize {
    let before = list[..at].iter().rev().map(|(position, _)| position);
    let after = list[at..].iter().map(|(position, _)| position);
    let found = Placement::find(before, after, origin);
    let moved = (found.before.len(), found.after.len());
    for (distance, position) in found.before.into_iter().enumerate() {
        list[at - 1 - distance].0 = position;
    }
    for (distance, position) in found.after.into_iter().enumerate() {
        list[at + distance].0 = position;
    }
    list.insert(at, (found.position, element));
    let changed = at.saturating_sub(moved.0 + 1)..list.len().min(at + moved.1 + 2);
    assert!(list[changed].is_sorted_by(|one, two| one < two));
    moved.0 + moved.1
}

fn merge(list: &mut List, other: &List) {
    list.extend_from_slice(other);
    list.sort();
    list.dedup();
}

fn longest(list: &List) -> usize {
    let lengths = list.iter().map(|(position, _)| position.as_bytes().len());
    lengths.max().unwrap_or_default()
}

fn elements(list: &List) -> Vec<usize> {
    list.iter().map(|(_, element)| *element).collect()
}

/// Generates positions that no insertion has made, but that can be read.
fn forged() -> impl Strategy<Value = Position> {
    let number = prop_oneof![Just(0x7f_u8), Just(0x80), Just(0x81)];
    let digits = vec(prop_oneof![2_u8..5, Just(255)], 0..3);
    let step = (number, digits, 1_u64..4, 0x7c_u8..0x85);
    vec(step, 1..4).prop_filter_map("not a position", |steps| {
        let (mut bytes, mut before) = (Vec::new(), 0);
        for (number, digits, origin, index) in steps {
            bytes.push(number);
            bytes.extend(digits);
            bytes.push(u8::from(origin != before));
            if origin != before {
                bytes.extend(origin.to_be_bytes());
            }
            before = origin;
            bytes.push(index);
        }
        Position::read(&bytes)
    })
}

proptest! {
    #[test]
    fn there_is_a_position_between_any_two(one in forged(), two in forged(), origin in 1_u64..5) {
        prop_assume!(one != two);
        let (left, right) = if one < two { (&one, &two) } else { (&two, &one) };
        let found = Position::between(Some(left), Some(right), origin).unwrap();
        prop_assert!(left < &found && &found < right, "{:?}", found);
        prop_assert_eq!(Position::read(found.as_bytes()), Some(found));
        let first = Position::between(None, Some(left), origin).unwrap();
        let last = Position::between(Some(right), None, origin).unwrap();
        prop_assert!(&first < left && right < &last);
    }

    #[test]
    fn a_position_has_one_encoding(bytes in vec(prop_oneof![0_u8..4, 0x7e..0x83_u8, any::<u8>()], 0..40)) {
        if let Some(position) = Position::read(&bytes) {
            prop_assert_eq!(Position::of(&position.steps()), Some(position));
        }
    }

    /// The oracle is a vector into which the elements are inserted.
    #[test]
    fn elements_are_where_they_were_inserted(places in vec((any::<usize>(), 1_u64..4, 1_usize..6), 0..60)) {
        let (mut list, mut model) = (List::new(), Vec::new());
        for (place, origin, count) in places {
            let at = place % (model.len() + 1);
            for step in 0..count {
                let element = model.len();
                insert(&mut list, at + step * (place & 1), element, origin);
                model.insert(at + step * (place & 1), element);
            }
        }
        prop_assert_eq!(elements(&list), model);
        prop_assert!(longest(&list) <= MOST_BYTES);
    }

    /// Elements that were created at one position at the same time are kept apart by their ids.
    #[test]
    fn an_element_goes_between_two_at_one_position(position in forged(), count in 2_usize..6, at in 1_usize..5) {
        prop_assume!(at < count);
        let mut list: List = (0..count).map(|element| (position.clone(), element)).collect();
        let moved = insert(&mut list, at, count, 9);
        prop_assert_eq!(moved, count - at);
        let mut model: Vec<_> = (0..count).collect();
        model.insert(at, count);
        prop_assert_eq!(elements(&list), model);
    }

    #[test]
    fn runs_do_not_interleave(steps in vec(steps(), 5..60)) {
        Histories::default().check(steps);
    }
}

/// A step of a history of several replicas.
#[derive(Clone, Debug)]
enum Step {
    /// A replica receives what another one has.
    Receive(usize, usize),
    /// A replica inserts some elements at one place, forwards or backwards.
    Insert(usize, usize, usize, bool),
}

fn steps() -> impl Strategy<Value = Step> {
    // Many insertions at the second place, where all writers meet.
    let place = prop_oneof![3 => any::<usize>(), 2 => Just(1)];
    prop_oneof![
        1 => (0_usize..4, 0_usize..4).prop_map(|(to, from)| Step::Receive(to, from)),
        4 => (0_usize..4, place, 1_usize..5, any::<bool>())
            .prop_map(|(at, place, count, forwards)| Step::Insert(at, place, count, forwards)),
    ]
}

#[derive(Default)]
struct Histories {
    lists: [List; 4],
    /// For each element, those that its writer knew.
    known: Vec<BTreeSet<usize>>,
    /// Pairs of elements that a replica has inserted side by side.
    pairs: Vec<(usize, usize)>,
}

impl Histories {
    fn check(mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Receive(to, from) => {
                    let theirs = self.lists[from].clone();
                    merge(&mut self.lists[to], &theirs);
                }
                Step::Insert(at, place, count, forwards) => self.insert(at, place, count, forwards),
            }
        }
        let mut all = List::new();
        self.lists.iter().for_each(|list| merge(&mut all, list));
        let positions: BTreeSet<_> = all.iter().map(|(position, _)| position).collect();
        assert_eq!(
            positions.len(),
            self.known.len(),
            "each has its own position"
        );
        let order = elements(&all);
        let place = |element| order.iter().position(|one| *one == element).unwrap();
        for (left, right) in &self.pairs {
            let (from, upto) = (place(*left), place(*right));
            assert!(from < upto, "{left} stays before {right}");
            for between in &order[from + 1..upto] {
                let knew = &self.known[*between];
                assert!(
                    knew.contains(left) || knew.contains(right),
                    "{between} is between {left} and {right} without having seen either"
                );
            }
        }
    }

    fn insert(&mut self, replica: usize, place: usize, count: usize, forwards: bool) {
        let mut at = place % (self.lists[replica].len() + 1);
        let mut last = None;
        for _ in 0..count {
            let list = &mut self.lists[replica];
            let element = self.known.len();
            self.known
                .push(list.iter().map(|(_, element)| *element).collect());
            assert_eq!(insert(list, at, element, replica as u64 + 1), 0);
            let pair = |last| {
                if forwards {
                    (last, element)
                } else {
                    (element, last)
                }
            };
            self.pairs.extend(last.map(pair));
            last = Some(element);
            at += usize::from(forwards);
        }
    }
}

/// Ada and Bob both have a list of one element, and insert their runs directly after it, each
/// element before the one before.
#[test]
fn backwards_run_after_a_seen_element_does_not_interleave() {
    let mut start = List::new();
    insert(&mut start, 0, 0, 1);
    let (mut ada, mut bob) = (start.clone(), start);
    for element in 1..6 {
        insert(&mut ada, 1, element, 1);
        insert(&mut bob, 1, element + 5, 2);
    }
    merge(&mut ada, &bob);
    let order = elements(&ada);
    let runs = [vec![5, 4, 3, 2, 1], vec![10, 9, 8, 7, 6]];
    assert!([runs.concat(), [&*runs[1], &runs[0]].concat()].contains(&order[1..].to_vec()));
}

#[test]
fn mixed_appends_do_not_lengthen_positions() {
    let mut list = List::new();
    for element in 0..2_000 {
        insert(&mut list, element, element, element as u64 % 3 + 1);
    }
    assert_eq!(elements(&list), (0..2_000).collect::<Vec<_>>());
    assert!(longest(&list) <= 14, "{}", longest(&list));
    // The same at the start.
    for element in 2_000..4_000 {
        insert(&mut list, 0, element, element as u64 % 3 + 1);
    }
    assert!(longest(&list) <= 14, "{}", longest(&list));
}

/// Inserting alternately at both sides of the latest element lengthens positions. Few elements
/// need new ones.
#[test]
fn zigzag_stays_under_256_bytes() {
    let mut most = 0;
    for origins in [1, 2, 3] {
        let (mut list, mut at, mut moved) = (List::new(), 0, 0);
        let mut model = Vec::new();
        for element in 0..1_500 {
            moved += insert(&mut list, at, element, element as u64 % origins + 1);
            model.insert(at, element);
            at += element % 2;
            assert!(longest(&list) <= MOST_BYTES);
        }
        assert_eq!(elements(&list), model);
        most = most.max(moved);
    }
    assert!(
        (1..6_000).contains(&most),
        "{most} elements got new positions"
    );
}

#[test]
fn a_list_of_one_run_takes_few_bytes() {
    let mut list = List::new();
    for element in 0..10_000 {
        insert(&mut list, element, element, 7);
    }
    assert!(longest(&list) <= 14, "{}", longest(&list));
}
