use crate::{
    clock::{Time, Window},
    error::Error,
    history::{
        Cursor, EntryHash, EntryId, Epoch, Epochs, IdHead, Patch, Position, RelayState, Sequence,
        Witness,
    },
    id::ReplicaId,
    limits,
    path::{Path, PathBuf},
    sync::message::fields::{Fields, Writer},
};

impl Writer<'_> {
    pub(crate) fn sequence(&mut self, sequence: Sequence) {
        self.number(sequence.get());
    }

    pub(super) fn replica(&mut self, replica: ReplicaId) {
        self.integer(replica.get());
    }

    /// Writes cells as an envelope, or nothing if there are none.
    pub(crate) fn patch(&mut self, cells: &Patch) {
        let envelope = match cells.is_empty() {
            true => Vec::new(),
            false if self.compresses() => cells.encode(),
            false => cells.encode_uncompressed(),
        };
        self.bytes(&envelope);
    }

    /// Writes a path, or the root instead of `None`.
    pub(super) fn path(&mut self, path: Option<&PathBuf>) {
        let path = path.map_or(Path::ROOT, PathBuf::as_path);
        self.bytes(path.as_bytes());
    }

    pub(crate) fn position(&mut self, position: Position) {
        self.integer(position.epoch.get());
        self.sequence(position.sequence);
    }

    pub(crate) fn witness(&mut self, witness: &Witness) {
        self.position(witness.head);
        self.number(witness.latest.get());
        self.out.extend_from_slice(&witness.seal);
    }

    pub(crate) fn cursor(&mut self, cursor: &Cursor) {
        self.position(cursor.position);
        self.witness(&cursor.witness);
    }

    pub(super) fn state(&mut self, state: &RelayState) {
        self.sequence(state.epoch_start);
        self.witness(&state.witness);
    }

    pub(crate) fn epoch_list(&mut self, list: &[(Epoch, Sequence)]) {
        self.number(list.len() as u64);
        for (epoch, first) in list {
            self.integer(epoch.get());
            self.sequence(*first);
        }
    }

    pub(super) fn ids(&mut self, ids: &[ReplicaId]) {
        self.number(ids.len() as u64);
        ids.iter().for_each(|id| self.replica(*id));
    }

    /// Writes a head without the entries that are known to be empty.
    pub(super) fn id_head(&mut self, head: &IdHead) {
        self.number(head.number);
        self.integer(head.hash.get());
        self.number(head.time.get());
    }

    pub(super) fn id_heads(&mut self, heads: &[(ReplicaId, IdHead)]) {
        self.number(heads.len() as u64);
        for (replica, head) in heads {
            self.replica(*replica);
            self.id_head(head);
        }
        if heads.is_empty() {
            return;
        }
        let emptied = || {
            heads
                .iter()
                .zip(0..)
                .filter(|((_, head), _)| head.emptied != 0)
        };
        self.number(emptied().count() as u64);
        for ((_, head), at) in emptied() {
            self.number(at);
            self.number(head.emptied);
        }
    }

    pub(super) fn entry_id(&mut self, id: EntryId) {
        self.replica(id.replica);
        self.number(id.number);
    }

    pub(super) fn window(&mut self, window: Window) {
        self.number(window.floor.get());
        self.number(window.now_ms);
        self.number(window.latest.get());
    }
}

impl Fields<'_> {
    pub(crate) fn sequence(&mut self) -> Sequence {
        Sequence::new(self.number())
    }

    pub(super) fn replica(&mut self) -> ReplicaId {
        ReplicaId::new(self.integer())
    }

    pub(crate) fn time(&mut self) -> Time {
        Time::new(self.number())
    }

    pub(crate) fn patch(&mut self) -> Patch {
        let envelope = self.envelope();
        if envelope.is_empty() {
            return Patch::default();
        }
        let read = Patch::decode(envelope);
        let cells = self.known(read);
        if cells.is_empty() {
            self.malformed();
        }
        cells
    }

    pub(super) fn path(&mut self) -> Option<PathBuf> {
        let read = Path::from_bytes(self.bytes(limits::PATH_BYTES));
        let path = self.known(read);
        (!path.is_root()).then(|| path.to_owned())
    }

    pub(crate) fn position(&mut self) -> Position {
        Position {
            epoch: Epoch::new(self.integer()),
            sequence: self.sequence(),
        }
    }

    pub(crate) fn witness(&mut self) -> Witness {
        Witness {
            head: self.position(),
            latest: self.time(),
            seal: self.integer().to_le_bytes(),
        }
    }

    pub(crate) fn cursor(&mut self) -> Cursor {
        Cursor {
            position: self.position(),
            witness: self.witness(),
        }
    }

    pub(super) fn state(&mut self) -> RelayState {
        let state = RelayState {
            epoch_start: self.sequence(),
            witness: self.witness(),
        };
        if state.epoch_start > state.head() {
            self.malformed();
        }
        state
    }

    /// Reads a list of epochs in order.
    pub(crate) fn epochs(&mut self, dropped: bool) -> Epochs {
        // An epoch takes at least nine bytes.
        let count = self.count(limits::EPOCHS, 9);
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push((Epoch::new(self.integer()), self.sequence()));
        }
        let read = Epochs::from_list(list, dropped);
        self.known(read)
    }

    pub(super) fn ids(&mut self) -> Vec<ReplicaId> {
        let count = self.count(limits::OUTBOX_IDS, 8);
        (0..count).map(|_| self.replica()).collect()
    }

    pub(super) fn id_head(&mut self) -> IdHead {
        IdHead {
            number: self.number(),
            hash: EntryHash::new(self.integer()),
            time: self.time(),
            emptied: 0,
        }
    }

    pub(super) fn id_heads(&mut self) -> Vec<(ReplicaId, IdHead)> {
        // A head takes at least 18 bytes.
        let count = self.count(limits::OUTBOX_IDS, 18);
        let mut heads: Vec<_> = (0..count)
            .map(|_| (self.replica(), self.id_head()))
            .collect();
        if heads.is_empty() {
            return heads;
        }
        for _ in 0..self.count(count, 2) {
            let (at, emptied) = (self.number(), self.number());
            let head = usize::try_from(at).ok().and_then(|at| heads.get_mut(at));
            match head {
                Some((_, head)) => head.emptied = emptied,
                None => self.malformed(),
            }
        }
        heads
    }

    /// Reads the name of an entry.
    pub(super) fn entry_id(&mut self) -> EntryId {
        let id = EntryId {
            replica: self.replica(),
            number: self.number(),
        };
        if id.number == 0 {
            self.malformed();
        }
        id
    }

    pub(super) fn window(&mut self) -> Window {
        Window {
            floor: self.time(),
            now_ms: self.number(),
            latest: self.time(),
        }
    }

    /// Records that a message has an unknown kind.
    pub(super) fn unknown(&mut self) {
        self.fail(Error::unsupported("a message has an unknown kind"));
    }
}
