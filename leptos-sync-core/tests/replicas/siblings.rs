//! The messages between the tabs of a browser, as a page sends and handles them.

use leptos_sync_core::{
    Changes, Error,
    history::{Entry, EntryId},
    replica::{EntryJoin, Readiness, Replica},
    sync::{TabMessage, TabMessageKind},
};

use super::{
    oracle::{Board, Oracle, random_id},
    tab::Tab,
};

/// What a tab knows of the other tabs of its browser.
pub(crate) struct Siblings {
    /// The number by which the tab recognizes answers to its own requests.
    asker: u64,
    /// The messages that have not been handled yet.
    pub(crate) inbox: Vec<Vec<u8>>,
    /// The messages that have not been sent yet.
    pub(crate) outgoing: Vec<Vec<u8>>,
    /// The entries of other tabs that this tab sends.
    due: Vec<EntryId>,
    pub(crate) is_asleep: bool,
}

impl Siblings {
    pub(crate) fn new() -> Self {
        Self {
            asker: random_id().unwrap(),
            inbox: Vec::new(),
            outgoing: Vec::new(),
            due: Vec::new(),
            is_asleep: false,
        }
    }
}

impl Tab {
    pub(crate) fn is_asleep(&self) -> bool {
        self.siblings.as_ref().is_some_and(|all| all.is_asleep)
    }

    /// Starts a page life.
    pub(crate) fn meet_siblings(&mut self) {
        if self.siblings.is_some() {
            self.siblings = Some(Siblings::new());
            self.ask_siblings();
        }
    }

    /// Wakes up, perhaps without the messages that arrived meanwhile.
    pub(crate) fn wake(&mut self, has_lost: bool) {
        self.cut();
        if let Some(siblings) = &mut self.siblings {
            siblings.is_asleep = false;
            if has_lost {
                siblings.inbox.clear();
            }
        }
        self.ask_siblings();
    }

    pub(crate) fn send_to_siblings(&mut self, kind: TabMessageKind) {
        if let Some(siblings) = &mut self.siblings {
            let document = "board".to_owned();
            let message = TabMessage { document, kind };
            siblings.outgoing.push(message.encode());
        }
    }

    pub(crate) fn send_entry(&mut self, id: EntryId) {
        if let Some(one) = self.replica.entry(id) {
            self.send_to_siblings(TabMessageKind::Edit(one));
        }
    }

    pub(crate) fn ask_siblings(&mut self) {
        let Some(siblings) = &self.siblings else {
            return;
        };
        let (asker, known) = (siblings.asker, self.replica.known_heads());
        self.send_to_siblings(TabMessageKind::OutboxRequest { asker, known });
    }

    /// Sends the entries of other tabs too, which have not sent them for a while.
    pub(crate) fn adopt_entries(&mut self) {
        if let Some(siblings) = &mut self.siblings {
            siblings.due = self.replica.adopt_entries();
        }
    }

    /// Returns the next entries to send.
    pub(crate) fn next_entries(&mut self, room: usize) -> Vec<Entry> {
        let Some(siblings) = &self.siblings else {
            return self.replica.next_entries(room, 8);
        };
        let own = self.replica.own_id();
        self.replica.next_due_entries(room, 8, &mut |one| {
            let id = one.entry().id;
            let is_due = own == Some(id.replica) || siblings.due.contains(&id);
            match is_due && one.is_saved() {
                true => Readiness::Ready,
                false => Readiness::Waiting,
            }
        })
    }

    /// Changes the outbox, and notifies the other tabs.
    pub(crate) fn change(
        &mut self,
        oracle: &mut Oracle,
        change: impl FnOnce(&mut Replica<Board>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        let before = self.replica.revisions();
        self.note_change(oracle, change)?;
        self.send_changes(&before, None);
        Ok(())
    }

    /// Sends what has changed to the other tabs. In answer to a message about some entries, sends
    /// only the page's own other entries.
    fn send_changes(&mut self, before: &[(EntryId, u32)], known: Option<&[EntryId]>) {
        let own = self.replica.own_id();
        let mut changed = self.replica.changed_since(before);
        if !changed.added.is_empty() {
            self.send_to_siblings(TabMessageKind::Move(changed.moved));
        }
        for one in changed.added {
            if let Some(siblings) = &mut self.siblings {
                siblings.due.push(one.0.id);
            }
            self.send_to_siblings(TabMessageKind::Edit(one));
        }
        if let Some(known) = known {
            let is_own = |id: EntryId| own == Some(id.replica) && !known.contains(&id);
            changed.replaced.retain(|(entry, _)| is_own(entry.id));
        }
        if !changed.replaced.is_empty() {
            self.send_to_siblings(TabMessageKind::Restamp(changed.replaced));
        }
    }

    /// Changes the outbox.
    pub(crate) fn note_change(
        &mut self,
        oracle: &mut Oracle,
        change: impl FnOnce(&mut Replica<Board>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        let before = oracle.stamps_of(self.replica.entries());
        change(&mut self.replica)?;
        oracle.note_outbox(&before, self.replica.entries());
        Ok(())
    }

    /// Handles the messages that have arrived.
    pub(crate) fn hear(&mut self, oracle: &mut Oracle) {
        let siblings = self.siblings.as_mut();
        for message in siblings.map_or_else(Vec::new, |all| std::mem::take(&mut all.inbox)) {
            let message = TabMessage::decode(&message).unwrap();
            oracle.log(|| format!("{} hears {:?}", self.name, message.kind));
            self.rests = false;
            self.hear_one(message.kind, oracle);
        }
    }

    fn hear_one(&mut self, kind: TabMessageKind, oracle: &mut Oracle) {
        let asker = self.siblings.as_ref().map_or(0, |all| all.asker);
        let mut is_gap = false;
        let revisions = self.replica.revisions();
        let heard = self.note_change(oracle, |replica| {
            Ok(match &kind {
                TabMessageKind::Edit((entry, seen)) => {
                    match replica.join_entry(entry.clone(), seen) {
                        EntryJoin::Joined(changes) => changes,
                        taken => {
                            is_gap = taken == EntryJoin::Gap;
                            Changes::new()
                        }
                    }
                }
                TabMessageKind::Outbox {
                    asker: to,
                    entries,
                    heads,
                } if *to == asker => replica.join_outbox(entries, heads),
                TabMessageKind::Restamp(entries) => replica.replace_entries(entries)?,
                TabMessageKind::Reject { id, .. } => {
                    let rejected = replica.reject_elsewhere(*id)?;
                    rejected.map(|one| one.changes).unwrap_or_default()
                }
                TabMessageKind::Ack(ack) => replica.stored_elsewhere(ack)?,
                TabMessageKind::Move(ids) => replica.moved_elsewhere(ids),
                _ => Changes::new(),
            })
        });
        heard.unwrap();
        match &kind {
            TabMessageKind::Restamp(entries) => {
                let known: Vec<_> = entries.iter().map(|(entry, _)| entry.id).collect();
                self.send_changes(&revisions, Some(&known));
            }
            TabMessageKind::Reject { id, .. } => self.send_changes(&revisions, Some(&[*id])),
            _ => {}
        }
        if is_gap {
            self.ask_siblings();
        }
        if let TabMessageKind::OutboxRequest { asker, known } = kind {
            let (entries, heads) = self.replica.outbox_after(&known);
            self.send_to_siblings(TabMessageKind::Outbox {
                asker,
                entries,
                heads,
            });
        }
    }
}
