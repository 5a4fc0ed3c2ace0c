use super::{ClientRequest, Request, Response};
use crate::{
    error::Error,
    history::{Entry, EntryId},
    limits,
    sync::message::{Channel, Permission},
};

/// A document that the client has opened and not left.
#[derive(Default)]
pub(super) struct Exchange {
    /// Whether the relay has closed it. Messages that the client sent before it learned of that are
    /// ignored.
    closed: bool,
    /// The user's permission, once the relay has opened the document.
    permission: Option<Permission>,
    /// Whether the client compares its state with that of a relay that was restored, so that it may
    /// offer what the relay has lost.
    compares: bool,
    /// The request that the relay has not answered yet, apart from pushes.
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// The client has to send its epochs.
    Epochs,
    Read,
    Range,
    Offer,
    Adopt,
}

impl Exchange {
    /// Records a response about this document.
    pub(super) fn send(&mut self, response: &Response) {
        let answered = match response {
            Response::Closed { .. } | Response::Removed { .. } => {
                *self = Self {
                    closed: true,
                    ..Self::default()
                };
                return;
            }
            Response::Opened {
                permission, opened, ..
            } => {
                self.permission = Some(*permission);
                self.compares = opened.diverged;
                self.waiting = None;
                return;
            }
            Response::Permission { permission, .. } => {
                self.permission = Some(*permission);
                return;
            }
            Response::EpochsNeeded { .. } => {
                self.waiting = Some(Waiting::Epochs);
                return;
            }
            Response::Page { .. } | Response::BehindHorizon { .. } => Waiting::Read,
            Response::Cells { .. } => Waiting::Range,
            Response::Offered { .. } => Waiting::Offer,
            Response::Adopted { .. } => Waiting::Adopt,
            _ => return,
        };
        if self.waiting == Some(answered) {
            self.waiting = None;
        }
    }

    /// Handles a request about this document. Returns `None` if the document is closed.
    pub(super) fn ask(&mut self, request: Request) -> Result<Option<ClientRequest>, Error> {
        if self.closed {
            return Ok(None);
        }
        Ok(Some(match request {
            Request::Epochs { channel, epochs } => {
                if self.waiting.take() != Some(Waiting::Epochs) {
                    return Err(Error::corrupt("the relay did not ask for epochs"));
                }
                ClientRequest::Epochs { channel, epochs }
            }
            Request::Read { channel, after } => {
                self.wait(Waiting::Read)?;
                ClientRequest::Read { channel, after }
            }
            Request::Range { channel, after } => {
                self.wait(Waiting::Range)?;
                ClientRequest::Range { channel, after }
            }
            Request::Offer {
                channel,
                witness,
                cells,
            } => {
                if cells.envelope_bytes() > limits::TRANSACTION_BYTES {
                    return Err(Error::limit("an offer is too large; split it"));
                }
                self.restore(Waiting::Offer)?;
                self.if_may_write(
                    channel,
                    ClientRequest::Offer {
                        channel,
                        witness,
                        cells,
                    },
                )
            }
            Request::Adopt {
                channel,
                witness,
                heads,
            } => {
                self.restore(Waiting::Adopt)?;
                self.compares = false;
                self.if_may_write(
                    channel,
                    ClientRequest::Adopt {
                        channel,
                        witness,
                        heads,
                    },
                )
            }
            Request::Push { channel, entries } => self.push(channel, entries)?,
            Request::Presence { channel, data } => ClientRequest::Presence { channel, data },
            _ => return Ok(None),
        }))
    }

    /// Records a request that the relay answers before the next one.
    fn wait(&mut self, request: Waiting) -> Result<(), Error> {
        self.check_open()?;
        if self.waiting.replace(request).is_some() {
            return Err(Error::limit(
                "a request about a document was sent before the one before was answered",
            ));
        }
        Ok(())
    }

    /// Records a request that is allowed only to a client that compares.
    fn restore(&mut self, request: Waiting) -> Result<(), Error> {
        self.wait(request)?;
        if !self.compares {
            return Err(Error::corrupt(
                "data was offered to a relay that has lost nothing",
            ));
        }
        Ok(())
    }

    fn check_open(&self) -> Result<(), Error> {
        match self.permission {
            Some(_) => Ok(()),
            None => Err(Error::corrupt(
                "a message concerns a document that the relay has not opened yet",
            )),
        }
    }

    fn may_write(&self) -> bool {
        self.permission >= Some(Permission::Write)
    }

    fn if_may_write(&self, channel: Channel, request: ClientRequest) -> ClientRequest {
        match self.may_write() {
            true => request,
            false => ClientRequest::Forbidden { channel },
        }
    }

    fn push(&mut self, channel: Channel, entries: Vec<Entry>) -> Result<ClientRequest, Error> {
        self.check_open()?;
        if self.may_write() {
            return Ok(ClientRequest::Push { channel, entries });
        }
        let mut first: Vec<EntryId> = Vec::new();
        for Entry { id, .. } in entries {
            if !first.iter().any(|known| known.replica == id.replica) {
                first.push(id);
            }
        }
        Ok(ClientRequest::ForbiddenPush {
            channel,
            entries: first,
        })
    }
}
