//! Arbitrary frames for the relay's end of a connection. The first byte of each is its length.
#![no_main]

use leptos_sync_core::{
    Time, VersionVector,
    sync::{ClientRequest, Host, Permission, Reason, Response},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut host = Host::new();
    let mut rest = bytes;
    while let Some((&length, after)) = rest.split_first() {
        let (frame, after) = after.split_at(after.len().min(length.into()));
        rest = after;
        match host.receive(frame) {
            Ok(Some(ClientRequest::Admission { protocol, .. })) => host.welcome(protocol, 1, 30_000),
            Ok(Some(ClientRequest::Open { channel, .. })) if length % 2 == 0 => {
                let text = String::new();
                host.send(&Response::Closed {
                    channel,
                    reason: Reason::Forbidden,
                    text,
                });
            }
            Ok(Some(ClientRequest::Open { channel, .. })) => host.send(&Response::Opened {
                channel,
                permission: Permission::Write,
                version: VersionVector::new(),
                floor: Time::ZERO,
                now_ms: 1,
            }),
            Ok(_) => {}
            Err(_) => assert!(host.is_over(), "an error is the end"),
        }
        while host.next_frame().is_some() {}
    }
});
