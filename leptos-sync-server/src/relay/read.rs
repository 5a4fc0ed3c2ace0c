use leptos_sync_core::{
    cells::PathBuf,
    history::{Page, Sequence},
    sync::{Broadcast, Channel, Reason, Response},
};

use super::{connection::Connection, open::closed, stored::StoredDocument};

impl Connection {
    /// Sends the page after a number. If it reaches the head, the client receives all later ones.
    pub(super) async fn read(&mut self, channel: Channel, after: Sequence) -> Result<(), Response> {
        if let Some(open) = self.open.get_mut(&channel) {
            open.sent = after;
        }
        match self.read_page(channel, after).await? {
            Some(Some(page)) => self.host.send(&Response::Page { channel, page }),
            Some(None) => self.host.send(&Response::BehindHorizon { channel }),
            None => {}
        }
        Ok(())
    }

    /// Sends the next page to a client that was too slow for pages to be queued.
    pub(super) async fn catch_up(&mut self, channel: Channel) -> Result<(), Response> {
        let Some(open) = self.open.get(&channel) else {
            return Ok(());
        };
        let after = open.sent;
        match self.read_page(channel, after).await? {
            Some(Some(page)) => {
                if page.upto < page.state.head() {
                    self.queue.lag(channel);
                }
                self.host.broadcast(channel, &Broadcast::new(page));
                Ok(())
            }
            Some(None) => Err(closed(
                channel,
                Reason::Slow,
                "the relay has forgotten removals that this client has not received; open the \
                 document again",
            )),
            None => Ok(()),
        }
    }

    /// Sends the cells after a path.
    pub(super) async fn range(
        &mut self,
        channel: Channel,
        after: Option<PathBuf>,
    ) -> Result<(), Response> {
        let Some((stored, _permits)) = self.turn_to_read(channel).await else {
            return Ok(());
        };
        let range = stored.range(after).await;
        let range = range.map_err(|error| self.failed(channel, &error))?;
        self.host.send(&Response::Cells { channel, range });
        Ok(())
    }

    /// Reads a page, or `None` if the number is below the horizon. The client follows the document
    /// if the page reaches the head. Returns `None` if the connection has ended.
    async fn read_page(
        &mut self,
        channel: Channel,
        after: Sequence,
    ) -> Result<Option<Option<Page>>, Response> {
        let Some((stored, _permits)) = self.turn_to_read(channel).await else {
            return Ok(None);
        };
        // Queue pages before reading, so that none is lost between both.
        self.queue.follow(channel);
        let page = stored.read(after).await;
        let page = page.map_err(|error| self.failed(channel, &error))?;
        let Some(page) = page else {
            self.queue.unfollow(channel);
            return Ok(Some(None));
        };
        if page.upto < page.state.head() {
            self.queue.unfollow(channel);
        }
        if let Some(open) = self.open.get_mut(&channel) {
            open.sent(page.after, page.upto);
        }
        Ok(Some(Some(page)))
    }

    /// Waits until a page of a document may be read. Returns `None` if the connection has ended.
    async fn turn_to_read(
        &mut self,
        channel: Channel,
    ) -> Option<(StoredDocument, impl Sized + use<>)> {
        let (relay, user) = (self.relay.clone(), self.readings.clone());
        let permits = self.turn(relay.readings.turn(user)).await??;
        let open = self.open.get(&channel)?;
        Some((open.stored.clone(), permits))
    }
}
