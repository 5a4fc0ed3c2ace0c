use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::Duration,
};

use futures::future::pending;
use leptos_sync_core::{
    clock::TimeSource,
    sync::{Client, ConnectionAction, Reason},
};
use tokio::{
    sync::Notify,
    task::{AbortHandle, spawn_local},
    time::{Instant, sleep_until},
};

use super::{
    DOCUMENT,
    pipe::{Network, Pipe},
};
use crate::common::Handle;

/// A client, with a connection that it opens again after each loss.
pub(crate) struct Member {
    pub(crate) handle: Handle,
    control: Rc<Control>,
    /// The entries that were made, each with the key that it wrote if nobody else writes it.
    made: RefCell<Vec<Option<u32>>>,
    task: AbortHandle,
}

/// What happens to a client from outside.
#[derive(Default)]
struct Control {
    changed: Notify,
    is_edited: Cell<bool>,
    is_cut: Cell<bool>,
    /// Whether the client receives nothing, as in a tab that sleeps.
    is_asleep: Cell<bool>,
    is_offline: Cell<bool>,
    /// The reasons with which the relay has ended connections.
    ended: RefCell<Vec<(Reason, String)>>,
}

impl Member {
    pub(crate) fn start(network: Rc<Network>, wall: impl TimeSource + 'static, seed: u64) -> Self {
        let (handle, control) = (Handle::at(wall), Rc::new(Control::default()));
        let running = run(network, handle.clone(), Rc::clone(&control), seed);
        Self {
            handle,
            control,
            made: RefCell::default(),
            task: spawn_local(running).abort_handle(),
        }
    }

    /// Writes a key that nobody else writes.
    pub(crate) fn insert(&self, key: u32, text: &str) {
        self.edit(Some(key), |handle| handle.insert(key, text));
    }

    /// Writes a key that others write too.
    pub(crate) fn write(&self, key: u32, text: &str) {
        self.edit(None, |handle| handle.insert(key, text));
    }

    pub(crate) fn remove(&self, key: u32) {
        self.edit(None, |handle| handle.remove(key));
    }

    fn edit(&self, key: Option<u32>, edit: impl FnOnce(&Handle)) {
        let entries = || self.handle.state().replica.entries().len();
        let before = entries();
        edit(&self.handle);
        if entries() > before {
            self.made.borrow_mut().push(key);
        }
        self.control.is_edited.set(true);
        self.control.changed.notify_one();
    }

    /// Cuts the connection.
    pub(crate) fn cut(&self) {
        self.control.is_cut.set(true);
        self.control.changed.notify_one();
    }

    pub(crate) fn sleep(&self, is_asleep: bool) {
        self.control.is_asleep.set(is_asleep);
        self.control.changed.notify_one();
    }

    pub(crate) fn go_offline(&self, is_offline: bool) {
        self.control.is_offline.set(is_offline);
        self.control.changed.notify_one();
    }

    /// Returns whether the relay and this client have the same.
    pub(crate) fn is_synced(&self) -> bool {
        self.handle.unanswered() == 0 && self.handle.state().replica.is_synced()
    }

    /// Returns the keys that only this client wrote.
    pub(crate) fn inserted(&self) -> Vec<u32> {
        self.made.borrow().iter().flatten().copied().collect()
    }

    /// Returns those of which the relay has acknowledged the edits.
    pub(crate) fn acknowledged(&self) -> Vec<u32> {
        let made = self.made.borrow();
        let count = made.len() - self.handle.unanswered();
        made[..count].iter().flatten().copied().collect()
    }

    /// Returns the reasons with which the relay has ended connections.
    pub(crate) fn ended(&self) -> Vec<(Reason, String)> {
        let mut ended = self.control.ended.borrow().clone();
        ended.extend(self.handle.state().closed.clone());
        ended
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cards = self.handle.cards();
        let state = self.handle.state();
        f.debug_struct("Member")
            .field("cards", &cards.len())
            .field("progress", state.replica.progress())
            .field("entries", &state.replica.entries().len())
            .field("refused", &state.refused)
            .field("closed", &state.closed)
            .field("ended", &self.control.ended.borrow())
            .finish()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(network: Rc<Network>, handle: Handle, control: Rc<Control>, seed: u64) {
    let start = Instant::now();
    let now_ms = || start.elapsed().as_millis() as u64;
    let mut client = Client::new(Vec::new(), seed);
    let channel = client.open(DOCUMENT, 0, handle).unwrap();
    let mut pipe: Option<Pipe> = None;
    loop {
        let is_cut = control.is_cut.take() || control.is_offline.get();
        if is_cut && pipe.take().is_some() {
            client.disconnected(now_ms());
        }
        if control.is_edited.take() {
            client.edited(channel);
        }
        match client.next_action(now_ms()) {
            ConnectionAction::Connect => {
                pipe = (!control.is_offline.get())
                    .then(|| network.connect())
                    .flatten();
                match pipe {
                    Some(_) => client.connected(now_ms()),
                    None => client.disconnected(now_ms()),
                }
            }
            ConnectionAction::Disconnect => {
                let ended = client.ended();
                let ended = ended.map(|(reason, text)| (reason, text.to_owned()));
                control.ended.borrow_mut().extend(ended);
                pipe = None;
                client.disconnected(now_ms());
            }
            ConnectionAction::Stay => {}
        }
        if let Some(pipe) = &pipe {
            while let Some(frame) = client.next_frame(now_ms()) {
                // An error is noticed below.
                let _ = pipe.to_relay.send(frame);
            }
        }
        let wake = client.wake_at().map(|ms| start + Duration::from_millis(ms));
        let received = async {
            match &mut pipe {
                Some(pipe) if !control.is_asleep.get() => pipe.from_relay.recv().await,
                _ => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = control.changed.notified() => {}
            frame = received => match frame {
                Some(frame) => client.receive(&frame, now_ms()),
                None => {
                    pipe = None;
                    client.disconnected(now_ms());
                }
            },
            () = sleep_until(wake.unwrap_or(start)), if wake.is_some() => client.wake(now_ms()),
        }
    }
}
