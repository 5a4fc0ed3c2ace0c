use std::{collections::VecDeque, sync::Arc};

use leptos_sync_core::sync::Channel;
use tokio::time::{Instant, sleep_until};

use super::rates::{Limiter, Limiters, Rates};
use crate::limits;

/// The input of a connection, which passes frames on no faster than the rates of the connection and
/// its user permit.
///
/// A frame that is received too soon waits here, and the relay reads no other frame until then. So
/// the network slows the sender down, and nothing is lost. Presence waits without blocking frames,
/// and later presence replaces it.
pub(super) struct Intake {
    own: Arc<Limiters>,
    user: Option<Arc<Limiters>>,
    flood: Limiter,
    frame: Option<Waiting<Vec<u8>>>,
    /// The presence of each document, in the order in which it is sent.
    presence: VecDeque<(Channel, Vec<u8>)>,
    /// The state of the limiters for the first waiting presence.
    turn: Waiting<()>,
}

/// An item that waits until all its limiters have counted it.
struct Waiting<T> {
    item: T,
    /// The number of limiters that have counted the item.
    counted: usize,
    until: Instant,
}

impl<T> Waiting<T> {
    fn new(item: T) -> Self {
        Self {
            item,
            counted: 0,
            until: Instant::now(),
        }
    }

    /// Counts the item in the remaining limiters, each by its amount. Returns whether all have
    /// counted it.
    fn count<const N: usize>(&mut self, limiters: [Option<(&Limiter, usize)>; N]) -> bool {
        for limiter in limiters.into_iter().skip(self.counted) {
            if let Some((limiter, count)) = limiter
                && let Err(until) = limiter.take(count)
            {
                self.until = until;
                return false;
            }
            self.counted += 1;
        }
        true
    }
}

/// The error of a client that sends presence [far too often](limits::PRESENCE_FLOOD).
pub(super) struct Flood;

impl Intake {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            own: Arc::new(Limiters::new(rates)),
            user: None,
            flood: Limiter::new(rates.presence.times(limits::PRESENCE_FLOOD)),
            frame: None,
            presence: VecDeque::new(),
            turn: Waiting::new(()),
        }
    }

    /// Sets the limiters of the user, once the user is known.
    pub(super) fn set_user(&mut self, limiters: Arc<Limiters>) {
        self.user = Some(limiters);
    }

    /// Returns whether the relay may read the next frame.
    pub(super) fn is_open(&self) -> bool {
        self.frame.is_none()
    }

    /// Adds a frame. [`next_frame`](Intake::next_frame) returns it when the rates permit it.
    pub(super) fn put(&mut self, frame: Vec<u8>) {
        self.frame = Some(Waiting::new(frame));
    }

    /// Removes and returns the frame if the rates permit it.
    pub(super) fn next_frame(&mut self) -> Option<Vec<u8>> {
        let frame = self.frame.as_mut()?;
        let bytes = frame.item.len();
        let user = self.user.as_deref();
        let counted = frame.count([
            Some((&self.own.frames, 1)),
            Some((&self.own.bytes, bytes)),
            user.map(|user| (&user.frames, 1)),
            user.map(|user| (&user.bytes, bytes)),
        ]);
        if !counted {
            return None;
        }
        self.frame.take().map(|frame| frame.item)
    }

    /// Waits until the rates of bytes permit the work that the cells of a request cause.
    pub(super) fn count_cells(&self, cells: usize) -> impl Future<Output = ()> + use<> {
        let limiters = [Some(Arc::clone(&self.own)), self.user.clone()];
        let cost = cells.saturating_mul(limits::CELL_COST);
        async move {
            for limiters in limiters.into_iter().flatten() {
                while let Err(until) = limiters.bytes.take(cost) {
                    sleep_until(until).await;
                }
            }
        }
    }

    /// Adds a presence. It replaces an older presence of the same document that still waits.
    pub(super) fn put_presence(&mut self, channel: Channel, data: Vec<u8>) -> Result<(), Flood> {
        self.flood.take(1).map_err(|_| Flood)?;
        let mut waiting = self.presence.iter_mut();
        match waiting.find(|(other, _)| *other == channel) {
            Some((_, waiting)) => *waiting = data,
            None => self.presence.push_back((channel, data)),
        }
        Ok(())
    }

    /// Removes and returns the first presence if the rates permit it.
    pub(super) fn next_presence(&mut self) -> Option<(Channel, Vec<u8>)> {
        if self.presence.is_empty() {
            return None;
        }
        let user = self.user.as_deref();
        let counted = self.turn.count([
            Some((&self.own.presence, 1)),
            user.map(|user| (&user.presence, 1)),
        ]);
        if !counted {
            return None;
        }
        self.turn = Waiting::new(());
        self.presence.pop_front()
    }

    /// Drops the waiting presence of a document that was closed.
    pub(super) fn forget(&mut self, channel: Channel) {
        self.presence.retain(|(other, _)| *other != channel);
    }

    /// Returns the earliest time at which the rates may permit a waiting item.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let frame = self.frame.as_ref().map(|frame| frame.until);
        let presence = (!self.presence.is_empty()).then_some(self.turn.until);
        frame.into_iter().chain(presence).min()
    }
}
