use std::{collections::VecDeque, sync::Arc};

use leptos_sync_core::sync::Channel;
use tokio::time::Instant;

use super::rates::{Limiter, Limiters, Rates};
use crate::limits;

/// What a connection brings, let through no faster than it and its user may.
///
/// A frame that comes too soon waits here, and while it does no other is read: so whoever sends too fast is slowed down
/// by the network, and nothing is lost. Presence waits without that, and a later one takes its place.
pub(super) struct Intake {
    own: Limiters,
    user: Option<Arc<Limiters>>,
    flood: Limiter,
    frame: Option<Waiting<Vec<u8>>>,
    /// By document, in the order in which they are told.
    presence: VecDeque<(Channel, Vec<u8>)>,
    /// The first of them.
    turn: Waiting<()>,
}

/// Something that waits until all its limiters have counted it.
struct Waiting<T> {
    item: T,
    /// How many have.
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

    /// Has it counted, each by so much. Returns whether all have.
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

/// Presence comes faster by far than anybody needs.
pub(super) struct Flood;

impl Intake {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            own: Limiters::new(rates),
            user: None,
            flood: Limiter::new(rates.presence.times(limits::PRESENCE_FLOOD)),
            frame: None,
            presence: VecDeque::new(),
            turn: Waiting::new(()),
        }
    }

    /// From now on it counts for the user too.
    pub(super) fn of_user(&mut self, limiters: Arc<Limiters>) {
        self.user = Some(limiters);
    }

    /// Whether the next frame may be read.
    pub(super) fn is_open(&self) -> bool {
        self.frame.is_none()
    }

    /// Takes a frame, to be had from [`next_frame`](Intake::next_frame) once it is time.
    pub(super) fn put(&mut self, frame: Vec<u8>) {
        self.frame = Some(Waiting::new(frame));
    }

    /// The frame, if it is time.
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

    /// Takes what is to be told of a document's presence, in the place of what was not told yet.
    pub(super) fn put_presence(&mut self, channel: Channel, data: Vec<u8>) -> Result<(), Flood> {
        self.flood.take(1).map_err(|_| Flood)?;
        let mut waiting = self.presence.iter_mut();
        match waiting.find(|(other, _)| *other == channel) {
            Some((_, waiting)) => *waiting = data,
            None => self.presence.push_back((channel, data)),
        }
        Ok(())
    }

    /// What is to be told of a presence, if it is time.
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

    /// A document is no longer exchanged.
    pub(super) fn forget(&mut self, channel: Channel) {
        self.presence.retain(|(other, _)| *other != channel);
    }

    /// When it is time for something that waits.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let frame = self.frame.as_ref().map(|frame| frame.until);
        let presence = (!self.presence.is_empty()).then_some(self.turn.until);
        frame.into_iter().chain(presence).min()
    }
}
