//! Arbitrary bytes as each of the small things that are stored or exchanged.
#![no_main]

use leptos_sync_core::{internal, cells::Path, collection::CollectionExport, index::Cursor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(path) = Path::from_bytes(bytes) {
        assert_eq!(path.as_bytes(), bytes);
        assert_eq!(path.segments().count() == 0, path.is_root());
    }
    if let Ok(cursor) = Cursor::from_bytes(bytes) {
        assert!(Cursor::from_bytes(&cursor.to_bytes()).is_ok());
    }
    if let Ok(export) = CollectionExport::from_bytes(bytes) {
        let again = export.to_bytes().expect("what was read can be written");
        assert!(CollectionExport::from_bytes(&again).is_ok());
    }
    type Value = (u64, i32, String, Option<Vec<(bool, char)>>, [u8; 3]);
    if let Ok(value) = internal::decode::<Value>(bytes) {
        let mut again = Vec::new();
        internal::encode(&value, &mut again).expect("what was read can be written");
        assert_eq!(again, bytes, "one spelling a value");
    }
});
