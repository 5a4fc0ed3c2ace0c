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
            map.take(path.as_path().as_bytes(), stamp, value.as_deref());
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

proptest! {
    #[test]
    fn maps_of_cells_are_a_semilattice(a in cells(), b in cells(), c in cells()) {
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a.clone());
        prop_assert_eq!(join(&a, &CellMap::new()), a.clone());
        prop_assert_eq!(join(&CellMap::new(), &a), a);
    }
}
