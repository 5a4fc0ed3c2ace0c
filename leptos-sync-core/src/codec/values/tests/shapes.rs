//! The changes that the shape of a compound always detects.

use proptest::{collection::vec, prelude::*};

use crate::codec::values::shape::{ElementShapes, FieldShapes, Shape};

const SCALARS: [Shape; 12] = [
    Shape::UNSIGNED,
    Shape::BOOL,
    Shape::TEXT,
    Shape::UNIT,
    Shape::NONE,
    Shape::SIGNED,
    Shape::I8,
    Shape::BYTES,
    Shape::U8,
    Shape::F64,
    Shape::CHAR,
    Shape::F32,
];

fn fields(shapes: &[Shape]) -> Shape {
    let mut all = FieldShapes::record();
    shapes.iter().for_each(|shape| all.push(*shape));
    all.shape()
}

fn scalar() -> impl Strategy<Value = Shape> {
    (0..SCALARS.len()).prop_map(|at| SCALARS[at])
}

/// The structure of a value, in which the position of one scalar is marked.
#[derive(Clone, Debug)]
enum Tree {
    Marked,
    Other(Shape),
    Fields(Vec<Tree>),
    Variant(Vec<Tree>),
    Newtype(Box<Tree>),
    Some(Box<Tree>),
    /// All elements have one shape.
    Seq(Box<Tree>, usize),
    Map(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn shape(&self, marked: Shape) -> Shape {
        match self {
            Self::Marked => marked,
            Self::Other(shape) => *shape,
            Self::Fields(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.shape(marked)).collect();
                fields(&parts)
            }
            Self::Variant(parts) => {
                let mut all = FieldShapes::variant();
                parts.iter().for_each(|part| all.push(part.shape(marked)));
                all.shape()
            }
            Self::Newtype(content) => content.shape(marked).newtype_variant(),
            Self::Some(content) => content.shape(marked).some(),
            Self::Seq(element, count) => {
                let mut all = ElementShapes::default();
                (0..*count).for_each(|_| all.push(element.shape(marked)));
                all.seq()
            }
            Self::Map(key, value) => {
                let mut all = ElementShapes::default();
                all.push_key(key.shape(marked));
                all.push(value.shape(marked));
                all.map()
            }
        }
    }
}

/// Generates trees with the mark in one place.
fn marked() -> impl Strategy<Value = Tree> {
    Just(Tree::Marked).prop_recursive(6, 40, 6, |marked| {
        let others = || vec(scalar().prop_map(Tree::Other), 0..70);
        let among = (others(), marked.clone(), others())
            .prop_map(|(mut parts, marked, after)| {
                parts.push(marked);
                parts.extend(after);
                parts
            })
            .boxed();
        let other = scalar()
            .prop_map(|shape| Box::new(Tree::Other(shape)))
            .boxed();
        let marked = marked.prop_map(Box::new);
        prop_oneof![
            among.clone().prop_map(Tree::Fields),
            among.prop_map(Tree::Variant),
            marked.clone().prop_map(Tree::Newtype),
            marked.clone().prop_map(Tree::Some),
            (marked.clone(), 1_usize..200).prop_map(|(element, count)| Tree::Seq(element, count)),
            (marked.clone(), other.clone()).prop_map(|(key, value)| Tree::Map(key, value)),
            (other, marked).prop_map(|(key, value)| Tree::Map(key, value)),
        ]
    })
}

proptest! {
    #[test]
    fn one_scalar_of_another_kind_is_always_noticed(tree in marked()) {
        for (at, one) in SCALARS.iter().enumerate() {
            for other in &SCALARS[..at] {
                prop_assert_ne!(tree.shape(*one), tree.shape(*other));
            }
        }
    }

    #[test]
    fn two_fields_that_change_places_are_always_noticed(
        parts in vec(scalar(), 2..57),
        first: prop::sample::Index,
        second: prop::sample::Index,
    ) {
        let (first, second) = (first.index(parts.len()), second.index(parts.len()));
        let mut swapped = parts.clone();
        swapped.swap(first, second);
        prop_assert_eq!(fields(&parts) == fields(&swapped), parts == swapped);
    }

    #[test]
    fn a_field_that_is_added_at_the_end_is_always_noticed(parts in vec(scalar(), 0..200), added in scalar()) {
        prop_assert_ne!(fields(&parts), fields(&[&parts[..], &[added]].concat()));
    }
}

#[test]
fn all_fields_of_another_kind_are_noticed_however_many_they_are() {
    for count in 1..2_000 {
        let shapes = SCALARS.map(|scalar| fields(&vec![scalar; count]));
        for (at, one) in shapes.iter().enumerate() {
            assert!(!shapes[..at].contains(one), "{count} fields");
        }
    }
}

#[test]
fn the_number_of_elements_does_not_count() {
    let seq = |shapes: &[Shape]| {
        let mut all = ElementShapes::default();
        shapes.iter().for_each(|shape| all.push(*shape));
        all.seq()
    };
    let one = seq(&[Shape::U8]);
    for count in [2, 60, 61, 122, 1_000] {
        assert_eq!(seq(&vec![Shape::U8; count]), one);
    }
    assert_ne!(seq(&[]), one);
    assert_ne!(seq(&[Shape::U8, Shape::I8]), one);
}

#[test]
fn most_other_changes_are_noticed() {
    let all: Vec<_> = SCALARS
        .iter()
        .flat_map(|a| SCALARS.iter().map(|b| fields(&[*a, *b])))
        .collect();
    let pairs = all
        .iter()
        .enumerate()
        .flat_map(|(at, one)| all[..at].iter().map(move |other| one == other));
    let (mut same, mut total) = (0, 0);
    pairs.for_each(|is_same| {
        total += 1;
        same += usize::from(is_same);
    });
    assert!(same * 55 < total, "{same} of {total} have the same shape");
}
