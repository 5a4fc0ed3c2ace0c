use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::id::substitute;

fn ids() -> impl Strategy<Value = Id> {
    let count = prop_oneof![any::<u64>(), 0..300_u64, Just(u64::MAX)];
    (any::<u64>(), count).prop_map(Id::of_parts)
}

#[test]
fn ids_of_many_threads_are_unique_and_increase() {
    let threads = std::iter::repeat_with(|| {
        std::thread::spawn(|| {
            std::iter::repeat_with(Id::new)
                .take(1_000)
                .collect::<Vec<_>>()
        })
    });
    let threads: Vec<_> = threads.take(4).collect();
    let mut all = BTreeSet::new();
    for thread in threads {
        let made = thread.join().unwrap();
        assert!(made.is_sorted());
        all.extend(made);
    }
    assert_eq!(all.len(), 4_000);
}

#[test]
fn numbers_drawn_without_randomness_differ() {
    let drawn: BTreeSet<u64> = std::iter::repeat_with(substitute::draw).take(100).collect();
    assert_eq!(drawn.len(), 100);
}

#[test]
fn the_text_form_is_short_and_documented() {
    let id = Id::of_parts((0x23912_e4343_4c897, 1));
    assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
    assert_eq!(
        "eoiufzbujzexi-1".parse::<Id>().unwrap().to_string(),
        "eoiufzbujzexi-1"
    );
    for wrong in [
        "",
        "-1",
        "eoiufzbujzexi",
        "eoiufzbujzexi-",
        "eoiufzbujzexi-+1",
        "eoiufzbujzexi-01",
        "eoiufzbujzexi-1 ",
        "Eoiufzbujzexi-1",
        "qoiufzbujzexi-1",
    ] {
        let error = wrong.parse::<Id>().unwrap_err();
        assert!(error.is_value(), "{error}");
    }
}

proptest! {
    #[test]
    fn an_id_round_trips_through_text_and_bytes(id in ids()) {
        prop_assert_eq!(id.to_string().parse::<Id>().ok(), Some(id));
        let mut buffer = [0; MOST_BYTES];
        prop_assert_eq!(Id::read(id.write(&mut buffer)), Some(id));
    }

    #[test]
    fn bytes_that_decode_to_an_id_are_its_encoding(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Some(id) = Id::read(&bytes) {
            let mut buffer = [0; MOST_BYTES];
            prop_assert_eq!(id.write(&mut buffer), &bytes[..]);
        }
    }
}
