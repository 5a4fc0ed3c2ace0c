use std::sync::Arc;

use leptos_sync_core::{
    ReplicaId, Time,
    history::{IdHead, Page, Patch, Witness},
    sync::{Channel, Response},
};
use tracing::Instrument as _;

use super::{
    connection::Connection,
    room::{Publication, Room},
    stored::StoredDocument,
};
use crate::{error::Error, limits};

/// Requests of clients that restore what the relay has lost.
impl Connection {
    /// Stores the cells that a client offers, in steps, and answers whether all were accepted.
    pub(super) async fn offer(
        &mut self,
        channel: Channel,
        witness: Witness,
        cells: Patch,
    ) -> Result<(), Response> {
        let (Some(user), Some(open)) = (&self.user, self.open.get(&channel)) else {
            return Ok(());
        };
        let (user, witnesses): (Arc<str>, _) = (user.name().into(), [open.witness, witness]);
        let steps = steps(cells).map_err(|error| self.failed(channel, &error))?;
        let (mut all, mut last) = (true, None);
        for cells in steps {
            if self.ends_by_expiry() {
                return Ok(());
            }
            let now_ms = self.relay.now_ms();
            let bytes = cells.bytes();
            let user = Arc::clone(&user);
            let offer = |stored: StoredDocument| async move {
                stored.offer(&user, &witnesses, cells, now_ms).await
            };
            let Some(offered) = self.change(channel, bytes, offer).await? else {
                return Ok(());
            };
            all &= offered.all;
            last = Some(offered.state);
        }
        if let Some(state) = last {
            self.host.send(&Response::Offered {
                channel,
                all,
                state,
            });
        }
        Ok(())
    }

    /// Raises the heads of the client's ids.
    pub(super) async fn adopt(
        &mut self,
        channel: Channel,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> Result<(), Response> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        let user: Arc<str> = user.name().into();
        let adopt = |stored: StoredDocument| async move { stored.adopt(&user, heads).await };
        if let Some(adopted) = self.change(channel, 0, adopt).await? {
            self.host.send(&Response::Adopted {
                channel,
                heads: adopted.heads,
                state: adopted.state,
            });
        }
        Ok(())
    }

    /// Changes a document of `bytes`, and sends the changes to the other clients.
    async fn change<T: Send + 'static, F>(
        &mut self,
        channel: Channel,
        bytes: usize,
        change: impl FnOnce(StoredDocument) -> F,
    ) -> Result<Option<T>, Response>
    where
        F: Future<Output = Result<(T, Vec<Page>), Error>> + Send + 'static,
    {
        let Some(open) = self.open.get(&channel) else {
            return Ok(None);
        };
        let (from, room) = ((self.peer, channel), Arc::clone(&open.room));
        let relay = Arc::clone(&self.relay);
        let writing = relay.writes.begin(bytes);
        let begun = relay.begin_epoch();
        let changed = change(open.stored.clone());
        let changed = tokio::spawn(run(changed, room, from).in_current_span()).await;
        let changed = changed.unwrap_or_else(|_| Err(Error::unavailable("storing data failed")));
        let changed = begun.and(changed);
        writing.end(&changed);
        changed
            .map(Some)
            .map_err(|error| self.failed(channel, &error))
    }
}

/// Changes a document and publishes the changes, even if the connection ends.
async fn run<T>(
    changed: impl Future<Output = Result<(T, Vec<Page>), Error>>,
    room: Arc<Room>,
    from: (ReplicaId, Channel),
) -> Result<T, Error> {
    let (answer, pages) = changed.await.inspect_err(|_| room.catch_up())?;
    room.publish(Publication {
        from,
        last: None,
        pages,
        answers: Vec::new(),
    })
    .await;
    Ok(answer)
}

/// Cuts cells into patches that the log stores in one commit each.
fn steps(cells: Patch) -> Result<Vec<Patch>, Error> {
    if cells.len() <= limits::COMMIT_CELLS {
        return Ok(vec![cells]);
    }
    let base: Time = cells.latest();
    let steps = Patch::collect_parts(base, limits::STEP_BYTES, |out| {
        for group in cells.cells().groups() {
            out.group(group.parent());
            group.cells().for_each(|cell| out.copy(cell));
        }
    });
    Ok(steps?)
}
