use std::{rc::Rc, time::Duration};

use leptos_sync_server::{Disconnected, Transport};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::{AbortHandle, spawn_local},
    time::sleep,
};

use super::Random;

/// The number of frames in flight on a connection. A sender waits while there are more.
const ON_THE_WAY: usize = 64;

/// One end of a connection.
pub(crate) struct End {
    outgoing: Sender<Vec<u8>>,
    incoming: Receiver<Vec<u8>>,
}

impl Transport for End {
    async fn receive(&mut self) -> Option<Vec<u8>> {
        self.incoming.recv().await
    }

    async fn send(&mut self, frame: Vec<u8>) -> Result<(), Disconnected> {
        self.outgoing.send(frame).await.map_err(|_| Disconnected)
    }
}

/// The faults of a connection: percentages of frames that are lost, repeated, or overtaken by the
/// next.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) overtaken: u64,
}

/// Creates a connection. Returns its two ends, and handles that cut it.
pub(crate) fn connect(random: &Rc<Random>, faults: Faults) -> (End, End, [AbortHandle; 2]) {
    let (near, from_near) = channel(ON_THE_WAY);
    let (to_far, far_incoming) = channel(ON_THE_WAY);
    let (far, from_far) = channel(ON_THE_WAY);
    let (to_near, near_incoming) = channel(ON_THE_WAY);
    let there = spawn_local(carry(from_near, to_far, Rc::clone(random), faults));
    let back = spawn_local(carry(from_far, to_near, Rc::clone(random), faults));
    let near = End {
        outgoing: near,
        incoming: near_incoming,
    };
    let far = End {
        outgoing: far,
        incoming: far_incoming,
    };
    (near, far, [there.abort_handle(), back.abort_handle()])
}

async fn carry(
    mut from: Receiver<Vec<u8>>,
    to: Sender<Vec<u8>>,
    random: Rc<Random>,
    faults: Faults,
) {
    let mut held: Option<Vec<u8>> = None;
    while let Some(frame) = from.recv().await {
        sleep(Duration::from_millis(random.below(40))).await;
        if random.chance(faults.lost) {
            continue;
        }
        if held.is_none() && random.chance(faults.overtaken) {
            held = Some(frame);
            continue;
        }
        let again = random.chance(faults.twice).then(|| frame.clone());
        for frame in [Some(frame), again, held.take()].into_iter().flatten() {
            if to.send(frame).await.is_err() {
                return;
            }
        }
    }
}
