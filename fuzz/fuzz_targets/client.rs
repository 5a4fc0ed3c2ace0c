//! Arbitrary frames for the client's end of a connection. The first byte of each is its length.
#![no_main]

use leptos_sync_core::sync::Client;
use leptos_sync_fuzz::Handle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let handle = Handle::new(1);
    let mut client = Client::new(Vec::new(), 7);
    let channel = client
        .open("board", 0, handle.clone())
        .expect("one document");
    client.next_action(0);
    client.connected(0);
    let mut rest = bytes;
    let mut now_ms = 0;
    while let Some((&length, after)) = rest.split_first() {
        let (frame, after) = after.split_at(after.len().min(length.into()));
        rest = after;
        now_ms += 1;
        if length == 0 {
            handle.edit(now_ms as u32, length);
            client.edited(channel);
        }
        client.receive(frame, now_ms);
        while client.next_frame(now_ms).is_some() {}
        handle.0.borrow().doc.assert_invariants();
    }
    if let Some(at) = client.wake_at() {
        client.wake(at);
    }
});
