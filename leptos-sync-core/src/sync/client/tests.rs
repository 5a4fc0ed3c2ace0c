use std::collections::VecDeque;

use super::*;
use crate::{
    clock::Window,
    delta::{Delta, Snapshot},
    id::ReplicaId,
    sync::message::Permission,
    version::VersionVector,
};

/// A document in which nothing happens.
struct Empty;

impl Document for Empty {
    fn version(&self) -> VersionVector {
        VersionVector::new()
    }

    fn pending(&mut self, _: &VersionVector) -> Result<Vec<Delta>, Error> {
        Ok(Vec::new())
    }

    fn opened(&mut self, _: Permission, _: Window) {}

    fn caught_up(&mut self, _: Window) -> Result<(), Error> {
        Ok(())
    }

    fn receive(&mut self, _: &Delta) -> Result<(), Error> {
        Ok(())
    }

    fn receive_snapshot(&mut self, _: &[Snapshot]) -> Result<(), Error> {
        Ok(())
    }

    fn acknowledged(&mut self, _: &VersionVector) {}

    fn rejected(&mut self, _: &VersionVector, _: Reason, _: &str) {}

    fn presence(&mut self, _: ReplicaId, _: &[u8]) {}

    fn closed(&mut self, _: Reason, _: &str) {}
}

/// A client, and what its relay says by hand.
struct Talk {
    client: Client<Empty>,
    cutter: Cutter,
}

impl Talk {
    fn begin() -> Self {
        let mut client = Client::new(b"first".to_vec(), 1);
        client.open("plans", 0, Empty).unwrap();
        let mut talk = Self {
            client,
            cutter: Cutter::default(),
        };
        talk.connect();
        talk
    }

    fn connect(&mut self) {
        let at = self.client.wake_at().unwrap();
        assert_eq!(self.client.link(at), Link::Connect);
        self.client.connected(at);
        self.cutter = Cutter::default();
    }

    fn hear(&mut self, response: &Response) {
        let mut frames = VecDeque::new();
        let write = |out: &mut Vec<u8>| response.encode(false, out);
        self.cutter.cut(&mut frames, write);
        for frame in frames {
            self.client.receive(&frame, 1_000);
        }
    }

    fn welcome(&mut self) {
        self.hear(&Response::Welcome {
            protocol: PROTOCOL,
            now_ms: 0,
            silence_ms: 30_000,
        });
    }

    fn refuse(&mut self) {
        self.hear(&Response::Bye {
            reason: Reason::Unauthorized,
            text: "no".to_owned(),
        });
        assert_eq!(self.client.link(1_000), Link::Disconnect);
        self.client.disconnected(1_000);
    }
}

#[test]
fn refused_credentials_are_not_tried_again() {
    let mut talk = Talk::begin();
    talk.refuse();
    assert_eq!(talk.client.wake_at(), None);
    assert_eq!(talk.client.link(u64::MAX), Link::Stay);
    assert_eq!(talk.client.ended(), Some((Reason::Unauthorized, "no")));
}

/// As when another user signs in: the relay ends a connection on which somebody else's credentials are shown.
#[test]
fn credentials_that_end_a_connection_begin_another() {
    let mut talk = Talk::begin();
    talk.welcome();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    // On it they are the first, and what is said is said of them.
    talk.refuse();
    assert_eq!(talk.client.wake_at(), None);
}

#[test]
fn credentials_that_were_renewed_while_the_former_were_refused_are_tried() {
    let mut talk = Talk::begin();
    talk.client.set_credentials(b"second".to_vec());
    talk.refuse();
    talk.connect();
    talk.welcome();
    assert!(talk.client.is_welcome());
}

#[test]
fn a_network_that_fails_after_a_refusal_is_no_refusal() {
    let mut talk = Talk::begin();
    talk.refuse();
    talk.client.set_credentials(b"second".to_vec());
    assert_eq!(talk.client.link(1_000), Link::Connect);
    talk.client.disconnected(1_000);
    talk.connect();
    talk.welcome();
    assert!(talk.client.is_welcome());
}
