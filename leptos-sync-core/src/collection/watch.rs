use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Bound};

use super::{Collection, Kept, Meta};
use crate::{
    crdt::Root,
    error::Error,
    storage::{Matcher, Query, RecordKey, Storage, bytes_of, parse},
    stream::{ChangeStream, Lagged},
    version::VersionVector,
};

/// The records that one commit has changed.
pub(super) type Changed<T> = Vec<ChangedRecord<T>>;

/// Records that were written since some version, with their keys.
pub(super) type Written<T> = Vec<(Vec<u8>, Kept<T>)>;

/// A record before and after a commit, with its key.
#[derive(Clone)]
pub(super) struct ChangedRecord<T> {
    pub(super) key: Vec<u8>,
    pub(super) before: Before<T>,
    pub(super) after: Option<Kept<T>>,
}

/// What a record was before a commit.
#[derive(Clone)]
pub(super) enum Before<T> {
    Nothing,
    Record(Kept<T>),
    /// Somebody else has written it, who does not tell.
    NotKnown,
}

/// A record that has changed, as one sees it who watches a key or a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange<K, T> {
    /// The record's key.
    pub key: K,
    /// What it was among what is watched. `None` where it was not, and for what another tab has written, which does not
    /// tell.
    pub before: Option<T>,
    /// What it is; `None` where it was removed, or has left what is watched.
    pub after: Option<T>,
}

/// Changes of a [`Collection`], commit by commit, of the records that are watched and no others.
///
/// It is bounded: whoever reads too slowly is told how many commits were missed, and asks the query once more.
pub struct Watch<K, T> {
    changes: ChangeStream<Changed<T>>,
    matcher: Matcher<Kept<T>>,
    key: PhantomData<fn() -> K>,
}

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Tells of every change of the record at `key` from now on.
    pub fn watch(&self, key: &K) -> Watch<K, T> {
        let key = || Bound::Included(bytes_of(key));
        self.watching(Matcher::by_key(Query::between(key(), key())))
    }

    /// Tells of every change among the records that `query` asks for from now on; its limit and cursor do not count. What
    /// a tab of another handle writes is told of by [`refresh`](Collection::refresh), or with the next write.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for an index that is not declared.
    pub fn watch_query(&self, query: &Query) -> Result<Watch<K, T>, Error> {
        Ok(self.watching(self.records.matcher(query)?))
    }

    fn watching(&self, matcher: Matcher<Kept<T>>) -> Watch<K, T> {
        Watch {
            changes: self.changes.subscribe(),
            matcher,
            key: PhantomData,
        }
    }

    /// Whether anybody asks for changes.
    pub(super) fn is_watched(&self) -> bool {
        self.changes.readers() > 0
    }

    /// Tells of what was written since `known`, as far as it is contained in `meta`: by others, who do not say what was
    /// there before.
    pub(super) async fn tell_since(&self, known: &VersionVector, meta: &Meta) -> Result<(), Error> {
        if !self.is_watched() {
            return Ok(());
        }
        let written = self.written_since(known, &meta.version).await?;
        let changed = written.into_iter().map(|(key, kept)| ChangedRecord {
            key,
            before: Before::NotKnown,
            after: Some(kept),
        });
        self.tell(changed.collect());
        Ok(())
    }

    pub(super) fn tell(&self, changed: Changed<T>) {
        if !changed.is_empty() {
            self.changes.send(changed);
        }
    }

    /// The records with a cell beyond `known`, of those replicas that `version` has more of. Each once.
    pub(super) async fn written_since(
        &self,
        known: &VersionVector,
        version: &VersionVector,
    ) -> Result<Written<T>, Error> {
        let mut written = BTreeMap::new();
        for (replica, _) in version.beyond(known).iter() {
            let since = (
                Bound::Excluded((replica.get(), known.get(replica).get())),
                Bound::Included((replica.get(), u64::MAX)),
            );
            let found = self
                .records
                .find(self.by_time.range(since), |_| true)
                .await?;
            if let Some(damage) = found.damage.into_iter().next() {
                return Err(damage.error);
            }
            written.extend(found.records);
        }
        Ok(written.into_iter().collect())
    }
}

impl<K: RecordKey, T: Root> Watch<K, T> {
    /// The changes of the next commit that has changed what is watched, each record once; `None` when the collection is
    /// gone.
    ///
    /// # Errors
    ///
    /// [`Lagged`] where commits were missed: what is watched is then to be read anew.
    pub async fn next(&mut self) -> Option<Result<Vec<RecordChange<K, T>>, Lagged>> {
        loop {
            let changed = match self.changes.next().await? {
                Ok(changed) => changed,
                Err(lagged) => return Some(Err(lagged)),
            };
            let seen: Vec<_> = changed
                .iter()
                .filter_map(|record| self.seen(record))
                .collect();
            if !seen.is_empty() {
                return Some(Ok(seen));
            }
        }
    }

    /// What of a change concerns what is watched.
    fn seen(&self, record: &ChangedRecord<T>) -> Option<RecordChange<K, T>> {
        if !self.matcher.may_match(&record.key) {
            return None;
        }
        let among = |kept: Option<&Kept<T>>| {
            let kept = kept.filter(|kept| kept.is_present());
            let kept = kept.filter(|kept| self.matcher.matches(&record.key, kept));
            kept.map(|kept| kept.record.clone())
        };
        let before = match &record.before {
            Before::Record(kept) => among(Some(kept)),
            Before::Nothing | Before::NotKnown => None,
        };
        let after = among(record.after.as_ref());
        // Of what others have written, that which is not among it now may have been.
        let concerned = before.is_some() || after.is_some();
        if !concerned && !matches!(record.before, Before::NotKnown) {
            return None;
        }
        Some(RecordChange {
            key: parse(&record.key).ok()?,
            before,
            after,
        })
    }
}

impl<K, T> fmt::Debug for Watch<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
