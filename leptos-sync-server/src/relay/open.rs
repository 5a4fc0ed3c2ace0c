use std::sync::Arc;

use leptos_sync_core::{
    VersionVector,
    sync::{Channel, Permission, Reason, Response},
};

use super::{
    admit::{in_time, reason},
    authorizer::User,
    connection::Connection,
    metrics::{Metrics, Refused},
    room::Room,
    transport::Transport,
};
use crate::{error::Error, limits, log::Since};

/// A document that a connection has open.
pub(super) struct OpenDocument {
    pub(super) document: String,
    schema: u64,
    pub(super) permission: Permission,
    pub(super) room: Arc<Room>,
}

impl Connection {
    /// Opens a document and sends the operations that the client lacks.
    pub(super) async fn open(
        &mut self,
        channel: Channel,
        document: String,
        schema: u64,
        version: &VersionVector,
        transport: &mut impl Transport,
    ) -> Result<(), Response> {
        self.leave(channel);
        if let Some(closed) = self.reason_not_to_open(channel, &document) {
            return Err(closed);
        }
        let Some(permission) = self.permission(channel, &document, schema).await? else {
            return Err(closed(
                channel,
                Reason::Forbidden,
                "this user may not open this document",
            ));
        };
        let room = self.relay.rooms.room(&document);
        // Enter the room before reading the state, so that operations that are stored in between
        // are sent twice and not lost.
        let user = self.user.as_ref().map(User::known_name);
        room.enter(self.peer, user.unwrap_or_default(), channel, &self.queue);
        let log = Arc::clone(&self.relay.log);
        self.open.insert(
            channel,
            OpenDocument {
                document: document.clone(),
                schema,
                permission,
                room,
            },
        );
        tracing::debug!(?permission, "opened the document");
        let state = log.state(&document).await;
        let state = state.map_err(|error| self.failed(channel, &error))?;
        self.host.send(&Response::Opened {
            channel,
            permission,
            version: state.version.clone(),
            floor: state.floor,
            now_ms: self.relay.now_ms(),
        });
        match version.covers(&state.version) {
            true => Ok(()),
            false => {
                self.send_missing(channel, &document, version, transport)
                    .await
            }
        }
    }

    /// Returns the answer to a request for a document that this connection cannot open.
    fn reason_not_to_open(&self, channel: Channel, document: &str) -> Option<Response> {
        let most = self.relay.options.documents;
        if self.open.len() >= most {
            let text = format!(
                "this connection has {most} documents open, which is the limit; close one to open \
                 another"
            );
            return Some(closed(channel, Reason::TooManyDocuments, &text));
        }
        if self.open.values().any(|open| open.document == document) {
            // A second channel would take the place of another connection's presence.
            let text = "this connection has the document open on another channel; use that one";
            return Some(closed(channel, Reason::Malformed, text));
        }
        None
    }

    /// Sends the operations that a client at `version` lacks.
    async fn send_missing(
        &mut self,
        channel: Channel,
        document: &str,
        version: &VersionVector,
        transport: &mut impl Transport,
    ) -> Result<(), Response> {
        // Keep the user's permit until everything is sent, so that few documents of a user are in
        // memory.
        let user = Arc::clone(&self.readings);
        let Some(_of_user) = self.turn(user.acquire_owned()).await else {
            return Ok(());
        };
        let relay = Arc::clone(&self.relay);
        let Some(running) = self.turn(relay.readings.run()).await else {
            return Ok(());
        };
        let since = relay.log.since(document, version, limits::PART_BYTES).await;
        drop(running);
        let since = since.map_err(|error| self.failed(channel, &error))?;
        let Some(_memory) = relay.readings.hold(&since) else {
            let text = "the relay sends as many large documents as fit into its memory; try later";
            return Err(closed(channel, Reason::Unavailable, text));
        };
        for part in parts(channel, since) {
            self.host.send(&part);
            // Send each part before creating the next, so that the frames of a large document are
            // never in memory together.
            let _ = self.flush(transport).await;
            if self.ends() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks the authorizer for the user's permission.
    async fn permission(
        &self,
        channel: Channel,
        document: &str,
        schema: u64,
    ) -> Result<Option<Permission>, Response> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        let asked = self.relay.authorizer.permission(user, document, schema);
        in_time(asked)
            .await
            .map_err(|denied| closed(channel, reason(&denied), &denied.text))
    }

    /// Asks the authorizer again for the user's permissions for all open documents.
    pub(super) async fn recheck(&mut self) {
        let channels: Vec<_> = self.open.keys().copied().collect();
        for channel in channels {
            let Some(open) = self.open.get(&channel) else {
                continue;
            };
            let asked = self.permission(channel, &open.document, open.schema).await;
            match (asked, self.open.get_mut(&channel)) {
                (Ok(Some(permission)), Some(open)) => {
                    if open.permission != permission {
                        open.permission = permission;
                        self.host.send(&Response::Permission {
                            channel,
                            permission,
                        });
                    }
                }
                (Ok(None), _) => {
                    let text = "this user may no longer open this document";
                    self.close(closed(channel, Reason::Forbidden, text));
                }
                (Err(closed), _) => self.close(closed),
                (Ok(Some(_)), None) => {}
            }
        }
    }

    /// Closes a document and sends the reason.
    pub(super) fn close(&mut self, closed: Response) {
        if let Response::Closed {
            channel,
            reason,
            ref text,
        } = closed
        {
            tracing::info!(%reason, text, "closed the document");
            Metrics::refused(Refused::Document, reason);
            self.leave(channel);
        }
        self.host.send(&closed);
    }

    pub(super) fn leave(&mut self, channel: Channel) {
        if let Some(open) = self.open.remove(&channel) {
            open.room.leave(self.peer, channel);
            self.intake.forget(channel);
            self.uploads.end(channel);
            self.queue.forget(channel);
        }
    }

    /// Returns the answer for a document after an error of the log.
    pub(super) fn failed(&self, channel: Channel, error: &Error) -> Response {
        tracing::error!(%error, "the log failed");
        self.relay.note_failure(error);
        let reason = if error.is_damaged() {
            Reason::Damaged
        } else if error.is_limit() {
            Reason::Limit
        } else {
            Reason::Unavailable
        };
        closed(channel, reason, &error.to_string())
    }
}

/// Converts the operations that a client lacks into messages.
fn parts(channel: Channel, since: Since) -> Box<dyn Iterator<Item = Response> + Send> {
    match since {
        Since::Delta(parts) => {
            let last = parts.len().saturating_sub(1);
            Box::new(parts.into_iter().enumerate().map(move |(at, delta)| {
                let more = at < last;
                Response::Delta {
                    channel,
                    more,
                    delta,
                }
            }))
        }
        Since::Snapshot(parts) => {
            let last = parts.len().saturating_sub(1);
            Box::new(parts.into_iter().enumerate().map(move |(at, part)| {
                let more = at < last;
                Response::Snapshot {
                    channel,
                    more,
                    part,
                }
            }))
        }
    }
}

pub(super) fn closed(channel: Channel, reason: Reason, text: &str) -> Response {
    Response::Closed {
        channel,
        reason,
        text: text.to_owned(),
    }
}
