//! Arbitrary messages of protocol 2 for the client's end of a connection.
#![no_main]

use leptos_sync_core::sync::Client;
use leptos_sync_fuzz::replica::{Shared, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let replica = Shared::default();
    let mut client = Client::new(Vec::new(), 7);
    let channel = client
        .open("board", 0, replica.clone())
        .expect("one document");
    client.next_action(0);
    client.connected(0);
    let mut now_ms = 0;
    for frame in frames(bytes) {
        now_ms += 1;
        if frame.len() % 7 == 0 {
            replica.edit(now_ms as u32, frame.len() as u8);
            client.edited(channel);
        }
        client.receive(&frame, now_ms);
        while client.next_frame(now_ms).is_some() {}
        replica.0.borrow().doc().assert_invariants();
    }
    if let Some(at) = client.wake_at() {
        client.wake(at);
    }
});
