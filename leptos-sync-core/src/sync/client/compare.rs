use super::{
    Document,
    exchange::{Exchange, Phase},
    fault::Fault,
};
use crate::{
    history::CellRange,
    path::PathBuf,
    sync::message::{Channel, Reason, Request},
};

/// Comparing with a relay that has lost history or forgotten removals.
impl<D: Document> Exchange<D> {
    pub(super) fn ask_range(
        &mut self,
        channel: Channel,
        after: Option<PathBuf>,
        out: &mut Vec<Request>,
    ) {
        self.phase = Phase::Range;
        self.session.after.clone_from(&after);
        out.push(Request::Range { channel, after });
    }

    pub(super) fn range(
        &mut self,
        channel: Channel,
        range: &CellRange,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        if range.upto.is_some() && range.upto <= self.session.after {
            return Err(Fault::Violation("the relay sent a range twice"));
        }
        let mut offers = self.document.range(range)?;
        if !offers.is_empty() && !self.session.may_write {
            offers.clear();
            self.document.offered(false, range.state);
            self.session.has_rejected_offers = true;
        }
        offers.reverse();
        self.session.offers = offers;
        self.session.upto = self.document.compared_to();
        self.offer(channel, out)
    }

    /// Sends the next offer of the range, or requests the next range, or ends the comparison.
    pub(super) fn offer(&mut self, channel: Channel, out: &mut Vec<Request>) -> Result<(), Fault> {
        let witness = self.document.witness();
        let session = &mut self.session;
        if let Some(cells) = session.offers.pop() {
            self.phase = Phase::Offer;
            out.push(Request::Offer {
                channel,
                witness,
                cells,
            });
            return Ok(());
        }
        if let Some(upto) = session.upto.take() {
            self.ask_range(channel, Some(upto), out);
            return Ok(());
        }
        if session.has_rejected_offers {
            return Err(match session.may_write {
                true => Fault::Later(Reason::Other, NOT_TAKEN.to_owned()),
                false => Fault::Later(Reason::Forbidden, READ_ONLY.to_owned()),
            });
        }
        let heads = match session.diverged && session.may_write {
            true => self.document.heads(),
            false => Vec::new(),
        };
        if heads.is_empty() {
            return self.compared(channel, out);
        }
        self.phase = Phase::Adopt;
        out.push(Request::Adopt {
            channel,
            witness,
            heads,
        });
        Ok(())
    }

    pub(super) fn compared(
        &mut self,
        channel: Channel,
        out: &mut Vec<Request>,
    ) -> Result<(), Fault> {
        self.document.compared()?;
        self.start_reading(channel, out)
    }
}

const NOT_TAKEN: &str =
    "the relay has lost data, and cannot check what this page holds: its key or clock has changed";
const READ_ONLY: &str =
    "the relay has lost data that this page holds, and this user may not restore it";
