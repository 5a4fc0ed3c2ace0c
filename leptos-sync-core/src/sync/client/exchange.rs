use super::{
    Document,
    fault::{Fault, UNASKED},
    session::Session,
};
use crate::{
    history::{Next, Opened, Page, Sequence},
    limits,
    sync::message::{Channel, Permission, Request, Response},
};

/// The exchange of one document.
///
/// ```text
/// Opening ──▶ Range ⇄ Offer ──▶ Adopt ──▶ Open
///        └────────────────────────────────▶┘
/// ```
pub(super) struct Exchange<D> {
    pub(super) document: D,
    pub(super) name: String,
    pub(super) schema: u64,
    pub(super) phase: Phase,
    /// The latest presence of this replica, to be sent again on a new connection.
    pub(super) presence: Option<Vec<u8>>,
    /// The time at which to open a closed document again.
    pub(super) again_at: Option<u64>,
    /// The number of consecutive exchanges without success.
    pub(super) failures: u32,
    pub(super) session: Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The document was not opened on this connection.
    Closed,
    /// The open request is sent; the relay has not answered.
    Opening,
    /// A range was requested.
    Range,
    /// An offer was sent.
    Offer,
    /// The heads of the ids were sent.
    Adopt,
    /// The document reads pages, and pushes once it has caught up.
    Open,
    /// The relay has refused the document. The client asks again after long delays.
    Refused,
    /// The document was removed at the relay.
    Removed,
    /// The connection has as many documents open as the relay allows. The client opens this one as
    /// soon as it leaves another.
    NoRoom,
}

impl<D: Document> Exchange<D> {
    pub(super) fn new(name: String, schema: u64, document: D) -> Self {
        Self {
            document,
            name,
            schema,
            phase: Phase::Closed,
            presence: None,
            again_at: None,
            failures: 0,
            session: Session::default(),
        }
    }

    /// Returns whether the relay has been asked for the document and has not closed it.
    pub(super) fn is_in_use(&self) -> bool {
        self.phase == Phase::Opening || self.is_open()
    }

    /// Returns whether the relay has opened the document.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.phase,
            Phase::Range | Phase::Offer | Phase::Adopt | Phase::Open
        )
    }

    /// Resets the state after the connection or the exchange has ended.
    pub(super) fn reset(&mut self, phase: Phase) {
        self.phase = phase;
        self.again_at = None;
        self.session = Session::default();
    }

    /// Returns the request that opens the document.
    pub(super) fn open(&mut self, channel: Channel) -> Request {
        self.reset(Phase::Opening);
        let mut opening = self.document.start();
        opening.ids.truncate(limits::OUTBOX_IDS);
        Request::Open {
            channel,
            document: self.name.clone(),
            schema: self.schema,
            opening,
        }
    }

    /// Handles a message about this document, which the client has opened.
    pub(super) fn respond(
        &mut self,
        channel: Channel,
        response: Response,
        now_ms: u64,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        self.session.now_ms = now_ms;
        match self.phase {
            Phase::Opening => self.respond_opening(channel, response, out),
            _ => self.respond_open(channel, response, out),
        }
    }

    fn respond_open(
        &mut self,
        channel: Channel,
        response: Response,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        match response {
            Response::Presence {
                peer, user, data, ..
            } => {
                self.document.presence(peer, &user, &data);
                Ok(())
            }
            Response::Permission { permission, .. } => {
                self.session.may_write = permission >= Permission::Write;
                self.document.set_permission(permission);
                self.push(channel, out)
            }
            // The client has opened the document twice, and this answers the first time.
            Response::Opened { .. } => Ok(()),
            Response::Cells { range, .. } if self.phase == Phase::Range => {
                self.range(channel, &range, out)
            }
            Response::Offered { all, state, .. } if self.phase == Phase::Offer => {
                self.document.offered(all, state);
                self.session.has_rejected_offers |= !all;
                self.offer(channel, out)
            }
            Response::Adopted { heads, state, .. } if self.phase == Phase::Adopt => {
                self.document.adopted(&heads, state);
                self.session.target = state.head();
                self.compared(channel, out)
            }
            Response::Page { page, .. } if self.phase == Phase::Open => {
                self.page(channel, &page, out)
            }
            Response::BehindHorizon { .. } if self.session.reading.is_some() => Err(Fault::Restart),
            Response::Ack { ack, .. } => self.acknowledged(channel, &ack, out),
            Response::Gap { replica, .. } => self.gap(channel, replica, out),
            Response::Reject {
                id,
                reason,
                text,
                window,
                ..
            } => {
                self.rejected(id, reason, text, window)?;
                self.push(channel, out)
            }
            _ => Err(UNASKED),
        }
    }

    /// Handles an answer to the open request. Ignores other messages, which the relay sent before
    /// it received the request.
    fn respond_opening(
        &mut self,
        channel: Channel,
        response: Response,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        match response {
            Response::EpochsNeeded { .. } if self.session.asked => Err(UNASKED),
            Response::EpochsNeeded { .. } => {
                self.session.asked = true;
                let epochs = self.document.epochs();
                out.push(Request::Epochs { channel, epochs });
                Ok(())
            }
            Response::Opened {
                permission, opened, ..
            } => {
                self.opened(permission, &opened);
                let next = self.document.opened(&opened)?;
                if let Some(data) = self.presence.clone() {
                    out.push(Request::Presence { channel, data });
                }
                match next {
                    Next::Compare => self.ask_range(channel, None, out),
                    Next::Read => return self.start_reading(channel, out),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, permission: Permission, opened: &Opened) {
        let now_ms = self.session.now_ms;
        self.session = Session {
            now_ms,
            may_write: permission >= Permission::Write,
            window: opened.window(),
            window_at_ms: now_ms,
            target: opened.state.head(),
            diverged: opened.diverged,
            ..Session::default()
        };
        self.document.set_permission(permission);
    }

    /// Requests the first page. It makes the channel live if there is nothing to read.
    pub(super) fn start_reading(
        &mut self,
        channel: Channel,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        self.phase = Phase::Open;
        self.read(channel, out);
        self.settle(channel, out)
    }

    fn read(&mut self, channel: Channel, out: &mut Vec<Request>) {
        let after = self.document.position();
        self.session.reading = Some(after);
        out.push(Request::Read { channel, after });
    }

    /// Calls `caught_up` once the document has read everything that the relay had when it opened
    /// the document. Then pushes the outbox.
    fn settle(&mut self, channel: Channel, out: &mut Vec<Request>) -> Result<(), Fault> {
        let session = &mut self.session;
        if !session.is_settled && self.document.position() >= session.target {
            session.is_settled = true;
            let mut window = session.window;
            let elapsed_ms = session.now_ms.saturating_sub(session.window_at_ms);
            window.now_ms = window.now_ms.saturating_add(elapsed_ms);
            self.document.caught_up(window)?;
        }
        self.push(channel, out)
    }

    fn page(&mut self, channel: Channel, page: &Page, out: &mut Vec<Request>) -> Result<(), Fault> {
        let session = &mut self.session;
        if session.reading == Some(page.after) {
            session.reading = None;
            session.is_live |= page.upto == page.state.head();
            if page.upto == page.after && !session.is_live {
                return Err(Fault::Violation("the relay sent an empty page"));
            }
        } else if !session.is_live {
            return Err(UNASKED);
        }
        session.note(page.floor, page.state);
        if page.after <= self.document.position() {
            self.document.page(page)?;
        }
        self.fill_gap(channel, page.upto, out);
        self.settle(channel, out)
    }

    /// Requests a page if the document has not read up to `upto`, or if the relay sends none on its
    /// own.
    pub(super) fn fill_gap(&mut self, channel: Channel, upto: Sequence, out: &mut Vec<Request>) {
        let is_behind = !self.session.is_live || self.document.position() < upto;
        if is_behind && self.session.reading.is_none() {
            self.read(channel, out);
        }
    }
}
