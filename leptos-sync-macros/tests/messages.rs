//! The messages with which `#[derive(Crdt)]` rejects a type.
//!
//! `TRYBUILD=overwrite cargo test -p leptos-sync-macros --test messages` rewrites the expected
//! messages.

#[test]
fn every_refusal_is_a_sentence_that_says_what_to_do() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/refused/*.rs");
}
