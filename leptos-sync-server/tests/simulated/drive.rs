use std::{future::pending, rc::Rc, time::Duration};

use leptos_sync_core::{
    limits,
    sync::{Client, ConnectionAction},
};
use leptos_sync_server::Transport;
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{sleep, timeout},
};

use super::crew::{Crew, DOCUMENT};

/// Drives a replica's client.
pub(super) async fn drive<T: Transport>(
    crew: Rc<Crew>,
    at: usize,
    mut edits: UnboundedReceiver<()>,
    connect: impl AsyncFn() -> Option<T>,
) {
    let state = crew.replicas[at].state.clone();
    let name = state.0.borrow().name.clone().into_bytes();
    let mut client = Client::new(name, crew.random.next());
    let channel = client.open(DOCUMENT, 0, state).unwrap();
    client.set_presence(channel, vec![at as u8]).unwrap();
    let counted = || crew.frames.set(crew.frames.get() + 1);
    let mut link: Option<T> = None;
    loop {
        match client.next_action(crew.now_ms()) {
            ConnectionAction::Connect => {
                let patience = Duration::from_millis(limits::HANDSHAKE_MS);
                link = timeout(patience, connect()).await.ok().flatten();
                match link {
                    Some(_) => client.connected(crew.now_ms()),
                    None => client.disconnected(crew.now_ms()),
                }
                continue;
            }
            ConnectionAction::Disconnect => {
                link = None;
                client.disconnected(crew.now_ms());
                continue;
            }
            ConnectionAction::Stay => {}
        }
        let mut gone = false;
        if let Some(link) = &mut link {
            while let Some(frame) = client.next_frame(crew.now_ms()) {
                counted();
                let patience = Duration::from_millis(limits::SILENCE_MS);
                let sent = timeout(patience, link.send(frame)).await;
                gone |= !matches!(sent, Ok(Ok(())));
            }
        }
        let wake = async {
            match client.wake_at() {
                Some(ms) => {
                    // Always wait a little, because a client that keeps retrying without a delay
                    // would stop virtual time.
                    let left = ms.saturating_sub(crew.now_ms()).max(1);
                    sleep(Duration::from_millis(left)).await;
                }
                None => pending().await,
            }
        };
        let heard = async {
            match &mut link {
                Some(link) if !gone => link.receive().await,
                Some(_) => None,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            edit = edits.recv() => match edit {
                Some(()) => client.edited(channel),
                None => return,
            },
            frame = heard => match frame {
                Some(frame) => {
                    counted();
                    client.receive(&frame, crew.now_ms());
                }
                None => {
                    link = None;
                    client.disconnected(crew.now_ms());
                }
            },
            () = wake => client.wake(crew.now_ms()),
        }
    }
}
