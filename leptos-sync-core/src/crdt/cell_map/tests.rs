use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{clock::Time, id::ReplicaId};

/// Generates cells with few distinct stamps, so that many are equal, and with values below and
/// above the inline limit.
fn cells() -> impl Strategy<Value = CellMap> {
    let stamp = (1_u64..4, 1_u64..3)
        .prop_map(|(time, replica)| Stamp::new(Time::new(time), ReplicaId::new(replica)));
    let value = proptest::option::of((0_usize..20, 0_u8..3));
    vec((0_u8..6, 1_usize..20, stamp, value), 0..12).prop_map(|cells| {
        let mut map = CellMap::new();
        for (key, long, stamp, value) in cells {
            let path = PathBuf::new().child(&vec![key; long]);
            let value = value.map(|(long, byte)| vec![byte; long]);
            let path = path.as_path().as_bytes();
            map.take(path, stamp, value.as_deref(), &mut |_, _| {});
            map.assert_invariants();
        }
        map
    })
}

fn join(a: &CellMap, b: &CellMap) -> CellMap {
    let mut joined = a.clone();
    joined.merge(b);
    joined.assert_invariants();
    joined
}

fn map_of(cells: &[containment::tests::Cell]) -> CellMap {
    let mut map = CellMap::new();
    for (path, stamp, value) in cells {
        let path = path.as_path().as_bytes();
        map.take(path, *stamp, value.as_deref(), &mut |_, _| {});
        map.assert_invariants();
    }
    map
}

proptest! {
    #[test]
    fn cells_that_are_ended_are_gone_in_any_order(
        cells in containment::tests::cells().prop_shuffle(), at in any::<prop::sample::Index>(),
    ) {
        let (first, second) = cells.split_at(at.index(cells.len() + 1));
        let (one, two) = (map_of(first), map_of(second));
        let all = join(&one, &two);
        let sorted: std::collections::BTreeMap<_, _> = all.iter()
            .map(|(path, stamp, value)| (path.to_owned(), (stamp, value.map(<[u8]>::to_vec))))
            .collect();
        prop_assert_eq!(sorted, containment::tests::normal_form(&cells));
        prop_assert_eq!(&all, &join(&two, &one));
        prop_assert_eq!(&all, &map_of(&cells));
    }

    #[test]
    fn maps_of_cells_are_a_semilattice(a in cells(), b in cells(), c in cells()) {
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a.clone());
        prop_assert_eq!(join(&a, &CellMap::new()), a.clone());
        prop_assert_eq!(join(&CellMap::new(), &a), a);
    }
}
