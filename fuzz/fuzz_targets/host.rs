//! Arbitrary messages of protocol 2 for the relay's end of a connection.
#![no_main]

use leptos_sync_core::{
    history::{Opened, Page, RelayState},
    sync::{ClientRequest, Host, Permission, Reason, Response},
};
use leptos_sync_fuzz::replica::frames;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut host = Host::new();
    for frame in frames(bytes) {
        let odd = frame.len() % 2 == 1;
        let state = RelayState::default();
        match host.receive(&frame) {
            Ok(Some(ClientRequest::Admission { protocol, .. })) => host.welcome(protocol, 1, 30_000),
            Ok(Some(ClientRequest::Open { channel, .. })) if odd => {
                host.send(&Response::EpochsNeeded { channel });
            }
            Ok(Some(ClientRequest::Open { channel, .. } | ClientRequest::Epochs { channel, .. })) => {
                host.send(&Response::Opened {
                    channel,
                    permission: Permission::Write,
                    opened: Opened {
                        diverged: true,
                        ..Opened::default()
                    },
                });
            }
            Ok(Some(ClientRequest::Read { channel, .. })) => host.send(&Response::Page {
                channel,
                page: Page::default(),
            }),
            Ok(Some(ClientRequest::Offer { channel, .. })) => host.send(&Response::Offered {
                channel,
                all: odd,
                state,
            }),
            Ok(Some(ClientRequest::Push { channel, entries })) => {
                for entry in entries {
                    entry.check().expect("entries are checked");
                }
                if odd {
                    host.send(&Response::Closed {
                        channel,
                        reason: Reason::Unavailable,
                        text: String::new(),
                    });
                }
            }
            Ok(_) => {}
            Err(_) => assert!(host.is_over(), "an error is the end"),
        }
        while host.next_frame().is_some() {}
    }
});
