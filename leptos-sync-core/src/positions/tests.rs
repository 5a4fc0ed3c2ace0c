use proptest::{collection::vec, prelude::*};

/// Adds and removes items like a map, and compares what is found with the list of items.
///
/// The items are their own hashes, so many of them collide, and clusters wrap around the end of the
/// table.
macro_rules! finds_what_the_list_has {
    ($table:ty, $steps:expr) => {{
        let (mut table, mut items) = (<$table>::default(), Vec::<u64>::new());
        for (add, item) in $steps {
            let position = items.iter().position(|known| *known == item);
            match (add, position) {
                (true, None) => {
                    items.push(item);
                    let last = items.len() as u32 - 1;
                    table.insert(hash(item), last, &|at| hash(items[at as usize]));
                }
                (false, Some(at)) => {
                    let last = items.len() as u32 - 1;
                    table.swap_remove(at as u32, last, &|at| hash(items[at as usize]));
                    items.swap_remove(at);
                }
                _ => {}
            }
            prop_assert_eq!(table.len(), items.len());
            for item in 0..ITEMS {
                let found = table.find(hash(item), |at| items[at as usize] == item);
                let position = items.iter().position(|known| *known == item);
                prop_assert_eq!(found, position.map(|at| at as u32));
            }
        }
    }};
}

const ITEMS: u64 = 40;

/// Three items have the same hash, and the hashes are at the end of a table of any size.
fn hash(item: u64) -> u64 {
    u64::MAX - item / 3
}

proptest! {
    #[test]
    fn positions_are_found_whatever_is_added_and_removed(
        steps in vec((any::<bool>(), 0..ITEMS), 0..200),
    ) {
        finds_what_the_list_has!(super::Positions, steps.clone());
        #[cfg(not(target_arch = "wasm32"))]
        finds_what_the_list_has!(super::table_js::Positions, steps);
    }
}
