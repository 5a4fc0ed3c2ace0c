use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Bound};

use super::{Collection, Meta, StoredRecord};
use crate::{
    crdt::Root,
    error::Error,
    storage::{
        Storage,
        index::{Matcher, Query, RecordKey, bytes_of, parse},
    },
    stream::{ChangeStream, Lagged},
    version::VersionVector,
};

/// The records changed by one commit.
pub(super) type Changed<T> = Vec<ChangedRecord<T>>;

/// Records written since a version, with their keys.
pub(super) type Written<T> = Vec<(Vec<u8>, StoredRecord<T>)>;

/// A record before and after a commit, with its key.
#[derive(Clone)]
pub(super) struct ChangedRecord<T> {
    pub(super) key: Vec<u8>,
    pub(super) before: Before<T>,
    pub(super) after: Option<StoredRecord<T>>,
}

/// A record before a commit.
#[derive(Clone)]
pub(super) enum Before<T> {
    Nothing,
    Record(StoredRecord<T>),
    /// Unknown, because another tab has written the record.
    NotKnown,
}

/// A change of a watched record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordChange<K, T> {
    /// The record's key.
    pub key: K,
    /// The record before the change. `None` if it did not match the query, or if another tab has
    /// written it.
    pub before: Option<T>,
    /// The record after the change. `None` if it was removed or no longer matches the query.
    pub after: Option<T>,
}

/// A stream of changes to watched records of a [`Collection`], one item per commit.
///
/// The stream is bounded. A reader that is too slow learns how many commits it missed, and must run
/// the query again.
pub struct Watch<K, T> {
    changes: ChangeStream<Changed<T>>,
    matcher: Matcher<StoredRecord<T>>,
    key: PhantomData<fn() -> K>,
}

impl<S: Storage, K: RecordKey, T: Root> Collection<S, K, T> {
    /// Starts watching the record at `key`.
    pub fn watch(&self, key: &K) -> Watch<K, T> {
        let key = || Bound::Included(bytes_of(key));
        self.watching(Matcher::by_key(Query::between(key(), key())))
    }

    /// Starts watching the records that match `query`. Ignores the query's limit and cursor.
    ///
    /// Changes by another tab arrive with [`refresh`](Collection::refresh) or the next write
    /// through this handle.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] if the index is not declared.
    pub fn watch_query(&self, query: &Query) -> Result<Watch<K, T>, Error> {
        Ok(self.watching(self.records.matcher(query)?))
    }

    fn watching(&self, matcher: Matcher<StoredRecord<T>>) -> Watch<K, T> {
        Watch {
            changes: self.changes.subscribe(),
            matcher,
            key: PhantomData,
        }
    }

    /// Returns whether there are watchers.
    pub(super) fn is_watched(&self) -> bool {
        self.changes.readers() > 0
    }

    /// Notifies watchers of records written since `known` and contained in `meta`. The content
    /// before the change is unknown.
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

    /// Returns the records that have a cell beyond `known`, each once. Searches only the writes of
    /// replicas of which `version` contains more operations than `known`.
    pub(super) async fn written_since(
        &self,
        known: &VersionVector,
        version: &VersionVector,
    ) -> Result<Written<T>, Error> {
        let mut written = BTreeMap::new();
        for (replica, _) in version.difference(known).iter() {
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
    /// Returns the watched records changed by the next commit that changes any, each once. Returns
    /// `None` when the collection is dropped.
    ///
    /// # Errors
    ///
    /// [`Lagged`] if commits were missed. Read the watched records again.
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

    /// Returns the watched part of a change.
    fn seen(&self, record: &ChangedRecord<T>) -> Option<RecordChange<K, T>> {
        if !self.matcher.may_match(&record.key) {
            return None;
        }
        let among = |kept: Option<&StoredRecord<T>>| {
            let kept = kept.filter(|kept| kept.is_present());
            let kept = kept.filter(|kept| self.matcher.matches(&record.key, kept));
            kept.map(|kept| kept.record.clone())
        };
        let before = match &record.before {
            Before::Record(kept) => among(Some(kept)),
            Before::Nothing | Before::NotKnown => None,
        };
        let after = among(record.after.as_ref());
        // A record changed by another tab may have matched before.
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
