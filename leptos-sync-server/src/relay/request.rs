use leptos_sync_core::sync::{Channel, ClientRequest, Reason, Response};
use tracing::Instrument as _;

use super::{connection::Connection, intake::Flood, push::Push, queue::Event};

impl Connection {
    /// Handles a request of the client.
    pub(super) async fn handle_request(&mut self, request: ClientRequest) {
        match request {
            ClientRequest::Admission {
                protocol,
                credentials,
                again,
            } => self.admit(protocol, &credentials, again).await,
            ClientRequest::Presence { channel, data } => {
                if self.open.contains_key(&channel)
                    && let Err(Flood) = self.intake.put_presence(channel, data)
                {
                    self.bye(
                        Reason::Limit,
                        "the client sends presence far more often than this relay allows",
                    );
                }
            }
            ClientRequest::Leave { channel } => self.leave(channel),
            ClientRequest::Ping => self.host.send(&Response::Pong {
                now_ms: self.relay.now_ms(),
            }),
            ClientRequest::Open {
                channel,
                document,
                schema,
                opening,
            } => {
                let span = tracing::debug_span!("document", name = document);
                let opened = self.open(channel, document, schema, opening);
                if let Err(closed) = opened.instrument(span.clone()).await {
                    span.in_scope(|| self.close(closed));
                }
            }
            request => {
                let work = self.intake.count_cells(cells(&request));
                // If the relay shuts down meanwhile, the client sends the request again elsewhere.
                let is_counted = tokio::select! {
                    biased;
                    () = work => true,
                    _ = self.closing.wait_for(|closing| *closing) => false,
                };
                if is_counted {
                    self.handle_exchange(request).await;
                }
            }
        }
    }

    /// Handles a request about an open document.
    async fn handle_exchange(&mut self, request: ClientRequest) {
        let answered = match request {
            ClientRequest::Epochs { channel, epochs } => {
                let span = self.span(channel);
                self.epochs(channel, &epochs).instrument(span).await
            }
            ClientRequest::Read { channel, after } => {
                let span = self.span(channel);
                self.read(channel, after).instrument(span).await
            }
            ClientRequest::Range { channel, after } => {
                let span = self.span(channel);
                self.range(channel, after).instrument(span).await
            }
            ClientRequest::Offer {
                channel,
                witness,
                cells,
            } => {
                let span = self.span(channel);
                self.offer(channel, witness, cells).instrument(span).await
            }
            ClientRequest::Adopt { channel, heads, .. } => {
                let span = self.span(channel);
                self.adopt(channel, heads).instrument(span).await
            }
            ClientRequest::Push { channel, entries } => {
                self.push = Some(Push::new(channel, entries));
                Ok(())
            }
            ClientRequest::ForbiddenPush { channel, entries } => {
                let span = self.span(channel);
                span.in_scope(|| self.reject_forbidden(channel, entries));
                Ok(())
            }
            // The host has closed the document.
            ClientRequest::Forbidden { channel } => {
                self.leave(channel);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(closed) = answered {
            self.close(closed);
        }
    }

    /// Handles an event that others have caused, or an answer that waited for its turn.
    pub(super) async fn handle_event(&mut self, event: Event) {
        match event {
            Event::Pages { channel, pages } => {
                if let Some(open) = self.open.get_mut(&channel) {
                    // The client may have read some of them meanwhile.
                    for page in pages.iter() {
                        let (after, upto) = (page.page().after, page.page().upto);
                        if upto > open.sent {
                            self.host.broadcast(channel, page);
                            open.sent(after, upto);
                        }
                    }
                }
            }
            Event::Lag { channel } => {
                let span = self.span(channel);
                if let Err(closed) = self.catch_up(channel).instrument(span).await {
                    self.close(closed);
                }
            }
            Event::Answers { channel, answers } => {
                let span = self.span(channel);
                span.in_scope(|| self.answer(channel, answers));
            }
            Event::Presence {
                channel,
                peer,
                presence,
            } => {
                if self.open.contains_key(&channel) {
                    self.host.send(&Response::Presence {
                        channel,
                        peer,
                        user: presence.user.as_ref().to_owned(),
                        data: presence.data.to_vec(),
                    });
                }
            }
            Event::Removed { channel } => self.close(Response::Removed { channel }),
            Event::Recheck => self.recheck().await,
        }
    }

    /// Returns the span of a document for traces.
    pub(super) fn span(&self, channel: Channel) -> tracing::Span {
        let name = self.open.get(&channel).map(|open| &*open.document);
        tracing::debug_span!("document", name)
    }
}

/// Returns the number of cells or ids that a request stores.
fn cells(request: &ClientRequest) -> usize {
    match request {
        ClientRequest::Push { entries, .. } => entries.iter().map(|entry| entry.cells.len()).sum(),
        ClientRequest::Offer { cells, .. } => cells.len(),
        ClientRequest::Adopt { heads, .. } => heads.len(),
        _ => 0,
    }
}
