//! Clients that send WebSocket pings and pongs without end.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{Raw, relay_in_use};
use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_server::limits;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

#[tokio::test]
async fn pings_and_pongs_without_end_end_the_connection_with_a_reason() {
    let (_dir, address, mut honest) = relay_in_use().await;
    for control in [Message::Ping("x".into()), Message::Pong("x".into())] {
        let bad = async {
            let mut eve = Raw::open(address, "eve", "board").await;
            // As many as a client may need are answered.
            for _ in 0..limits::CONTROL_FRAMES_BURST / 2 {
                eve.socket.send(control.clone()).await.unwrap();
            }
            eve.handled().await;
            let flood = async {
                for _ in 0..10 * limits::CONTROL_FRAMES_BURST {
                    if eve.socket.send(control.clone()).await.is_err() {
                        break;
                    }
                }
            };
            flood.await;
            let close = loop {
                if let Message::Close(close) = eve.socket.next().await.unwrap().unwrap() {
                    break close.unwrap();
                }
            };
            assert_eq!(close.code, CloseCode::Policy);
            assert!(close.reason.contains("pings or pongs"), "{close}");
        };
        honest.beside(bad).await;
    }
}
