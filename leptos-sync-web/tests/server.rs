//! Native server builds: documents are empty, nothing is stored or shared, and all types can move
//! between threads.
#![cfg(not(target_arch = "wasm32"))]

use leptos::prelude::*;
use leptos_sync_web::{
    Crdt, GCounter, Keys, LiveDoc, LwwMap, LwwRegister, Node, SyncOptions, UseDocReturn,
    provide_sync, status::StorageKind, use_doc,
};

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
    lines: LwwMap<u32, String>,
    visits: GCounter,
}

#[test]
fn all_types_may_move_between_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<UseDocReturn<Page>>();
    is_send_and_sync::<LiveDoc<Page>>();
    is_send_and_sync::<Node<Page>>();
    is_send_and_sync::<Node<Option<String>>>();
    is_send_and_sync::<Keys<u32>>();
}

#[test]
fn a_document_renders_empty_and_continues_on_another_thread() {
    let owner = Owner::new();
    let page = owner.with(|| {
        provide_sync(SyncOptions::default());
        use_doc::<Page>("page")
    });
    assert!(
        page.loading.get_untracked(),
        "as the browser shows it first"
    );
    assert_eq!(page.storage.get_untracked(), StorageKind::Opening);
    std::thread::spawn(move || {
        assert_eq!(page.doc.title().get_untracked(), "");
        page.doc.title().set("rendered".to_owned());
        page.doc.lines().insert(1, "a line".to_owned());
        page.doc.visits().increment(1);
        assert_eq!(page.doc.title().get_untracked(), "rendered");
        assert_eq!(page.doc.lines().keys().get_untracked(), [1]);
        assert_eq!(page.doc.visits().get_untracked(), 1);
    })
    .join()
    .expect("no panic on the other thread");
    drop(owner);
}

#[test]
fn documents_are_shared_within_a_request_and_not_between_requests() {
    let request = |title: &str| {
        let owner = Owner::new();
        let title = title.to_owned();
        let seen = owner.with(|| {
            provide_sync(SyncOptions::default());
            let first = use_doc::<Page>("page");
            let before = first.doc.title().get_untracked();
            first.doc.title().set(title);
            (before, use_doc::<Page>("page").doc.title().get_untracked())
        });
        drop(owner);
        seen
    };
    assert_eq!(request("one"), (String::new(), "one".to_owned()));
    assert_eq!(request("two"), (String::new(), "two".to_owned()));
}
