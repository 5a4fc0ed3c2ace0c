use super::{
    Document,
    exchange::{Exchange, Phase},
    fault::{Fault, UNSENT},
    flight::{Answer, size},
};
use crate::{
    clock::Window,
    history::{Ack, EntryId, Sequence},
    id::ReplicaId,
    limits,
    sync::message::{Channel, Reason, Request},
};

/// The number of times that an entry is sent again after a rejection. The first rejection contains
/// the times that the relay accepts, so a second one is rare.
const REJECTIONS: u32 = 3;

/// Pushing entries, and the relay's answers to them.
impl<D: Document> Exchange<D> {
    pub(super) fn acknowledged(
        &mut self,
        channel: Channel,
        ack: &Ack,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        match self.session.flight.acknowledge(ack) {
            Answer::Valid => {}
            // Another tab has pushed what was missing. The heads show which entries are stored.
            Answer::Repetition => return Err(Fault::Restart),
            Answer::Invalid => return Err(UNSENT),
        }
        self.failures = 0;
        let rejected = &mut self.session.rejected;
        rejected.retain(|(id, _)| id.replica != ack.id.replica);
        let floor = self.session.window.floor;
        self.session.note(floor, ack.state);
        self.document.acknowledged(ack)?;
        let last = ack.first.get().saturating_add(ack.count).saturating_sub(1);
        self.fill_gap(channel, Sequence::new(last), out);
        self.push(channel, out)
    }

    pub(super) fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: String,
        window: Window,
    ) -> Result<(), Fault> {
        match self.session.flight.reject(id) {
            Answer::Valid => {}
            Answer::Repetition => return Err(Fault::Restart),
            Answer::Invalid => return Err(UNSENT),
        }
        self.session.window = window;
        self.session.window_at_ms = self.session.now_ms;
        let known = self.session.rejected.iter_mut().find(|known| known.0 == id);
        let times = match known {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                self.session.rejected.push((id, 1));
                1
            }
        };
        // Another form of the entry would be rejected too. The user may be permitted later.
        if reason == Reason::Forbidden || times > REJECTIONS {
            return Err(Fault::Later(reason, text));
        }
        Ok(self.document.rejected(id, reason, &text, window)?)
    }

    /// Sends the next entries, within the limit on unanswered ones.
    pub(super) fn push(&mut self, channel: Channel, out: &mut Vec<Request>) -> Result<(), Fault> {
        let session = &mut self.session;
        if session.is_live && session.flight.is_empty() && !session.may_write {
            self.failures = 0;
        }
        while self.phase == Phase::Open && session.is_settled && session.may_write {
            let (count, bytes) = session.flight.room();
            if count == 0 {
                return Ok(());
            }
            let entries = self.document.entries(bytes, count)?;
            if entries.is_empty() {
                if session.is_live && session.flight.is_empty() {
                    self.failures = 0;
                }
                return Ok(());
            }
            let mut rest = &*entries;
            while !rest.is_empty() {
                let mut bytes = 0;
                let fits = rest.iter().take(limits::IN_FLIGHT).take_while(|entry| {
                    bytes += size(entry);
                    bytes <= limits::TRANSACTION_BYTES
                });
                let (push, others) = rest.split_at(fits.count().clamp(1, rest.len()));
                session.flight.send(push);
                let entries = push.to_vec();
                out.push(Request::Push { channel, entries });
                rest = others;
            }
        }
        Ok(())
    }
    /// Handles the report that an entry does not follow the last one of its id at the relay.
    pub(super) fn gap(
        &mut self,
        channel: Channel,
        replica: ReplicaId,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        match self.session.flight.end_run(replica) {
            Answer::Valid => Err(Fault::Restart),
            Answer::Repetition => self.push(channel, out),
            Answer::Invalid => Err(UNSENT),
        }
    }
}
