use std::sync::Arc;

use leptos_sync_core::{
    history::{Epochs, Opening, Sequence, Witness},
    sync::{Channel, Permission, Reason, Response},
};

use super::{
    admit::{in_time, reason},
    authorizer::User,
    connection::Connection,
    metrics::{Metrics, Refused},
    room::Room,
    stored::StoredDocument,
};
use crate::error::Error;

/// A document that a connection has open.
pub(super) struct OpenDocument {
    pub(super) document: String,
    schema: u64,
    pub(super) permission: Permission,
    pub(super) stored: StoredDocument,
    pub(super) room: Arc<Room>,
    /// The opening that waits for the client's epochs.
    waiting: Option<Opening>,
    /// The latest state that the client had heard of before it opened the document.
    pub(super) witness: Witness,
    /// The number up to which everything was sent to the client.
    pub(super) sent: Sequence,
}

impl OpenDocument {
    /// Records that the changes from one number up to another one were sent to the client. The
    /// client requests what is missing before them.
    pub(super) fn sent(&mut self, after: Sequence, upto: Sequence) {
        if after <= self.sent {
            self.sent = self.sent.max(upto);
        }
    }
}

impl Connection {
    /// Opens a document.
    pub(super) async fn open(
        &mut self,
        channel: Channel,
        document: String,
        schema: u64,
        opening: Opening,
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
        // Enter the room before reading the document, so that changes that are stored meanwhile are
        // queued.
        let user = self.user.as_ref().map(User::known_name);
        room.enter(self.peer, user.unwrap_or_default(), channel, &self.queue);
        self.open.insert(
            channel,
            OpenDocument {
                stored: self.relay.stored(&document),
                document,
                schema,
                permission,
                room,
                waiting: None,
                witness: opening.cursor.witness,
                sent: Sequence::ZERO,
            },
        );
        tracing::debug!(?permission, "opened the document");
        self.answer_opening(channel, opening, None).await
    }

    /// Handles the epochs of a client, for which its opening waits.
    pub(super) async fn epochs(
        &mut self,
        channel: Channel,
        epochs: &Epochs,
    ) -> Result<(), Response> {
        let open = self.open.get_mut(&channel);
        match open.and_then(|open| open.waiting.take()) {
            Some(opening) => self.answer_opening(channel, opening, Some(epochs)).await,
            None => Ok(()),
        }
    }

    /// Sends the client how its history relates to the relay's, or requests its epochs.
    async fn answer_opening(
        &mut self,
        channel: Channel,
        opening: Opening,
        epochs: Option<&Epochs>,
    ) -> Result<(), Response> {
        let now_ms = self.relay.now_ms();
        let Some(open) = self.open.get_mut(&channel) else {
            return Ok(());
        };
        let opened = open.stored.open(&opening, epochs, now_ms).await;
        let Some(open) = self.open.get_mut(&channel) else {
            return Ok(());
        };
        match opened {
            Ok(Some(opened)) => {
                open.room.opened(opened.state.head());
                let permission = open.permission;
                self.host.send(&Response::Opened {
                    channel,
                    permission,
                    opened,
                });
                Ok(())
            }
            Ok(None) => {
                open.waiting = Some(opening);
                self.host.send(&Response::EpochsNeeded { channel });
                Ok(())
            }
            Err(error) => Err(self.failed(channel, &error)),
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
            // Presence is kept per connection, so a second channel would replace that of the first.
            let text = "this connection has the document open on another channel; use that one";
            return Some(closed(channel, Reason::Malformed, text));
        }
        None
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

    /// Closes a document and sends the reason, which is [`Response::Closed`] or
    /// [`Response::Removed`].
    pub(super) fn close(&mut self, closed: Response) {
        match closed {
            Response::Closed {
                channel,
                reason,
                ref text,
            } => {
                tracing::info!(%reason, text, "closed the document");
                Metrics::refused(Refused::Document, reason);
                self.leave(channel);
            }
            Response::Removed { channel } => {
                tracing::info!("the document was removed");
                self.leave(channel);
            }
            _ => {}
        }
        self.host.send(&closed);
    }

    pub(super) fn leave(&mut self, channel: Channel) {
        if let Some(open) = self.open.remove(&channel) {
            open.room.leave(self.peer, channel);
            self.intake.forget(channel);
            self.queue.forget(channel);
        }
    }

    /// Returns the answer for a document after an error of the log.
    pub(super) fn failed(&self, channel: Channel, error: &Error) -> Response {
        if error.is_removed() {
            return Response::Removed { channel };
        }
        let reason = if error.is_damaged() {
            Reason::Damaged
        } else if error.is_limit() {
            Reason::Limit
        } else {
            Reason::Unavailable
        };
        match reason {
            // Clients can cause any number of these.
            Reason::Limit => tracing::debug!(%error, "the log rejected a request"),
            _ => tracing::error!(%error, "the log failed"),
        }
        self.relay.note_failure(error);
        closed(channel, reason, &error.to_string())
    }
}

pub(super) fn closed(channel: Channel, reason: Reason, text: &str) -> Response {
    Response::Closed {
        channel,
        reason,
        text: text.to_owned(),
    }
}
