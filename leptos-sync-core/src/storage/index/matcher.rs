use super::{IndexedStorage, Query, catalog::unknown, schema::Declared};
use crate::error::Error;

/// A predicate that decides whether a record matches a query without reading the storage.
pub(crate) struct Matcher<R> {
    query: Query,
    index: Option<Declared<R>>,
}

impl<R> Matcher<R> {
    /// Creates a matcher for a query by record keys.
    pub(crate) const fn by_key(query: Query) -> Self {
        Self { query, index: None }
    }

    /// Returns whether any record at this key can match.
    pub(crate) fn may_match(&self, key: &[u8]) -> bool {
        self.index.is_some() || self.query.includes(key)
    }

    /// Returns whether a record matches the query, ignoring its limit and cursor.
    pub(crate) fn matches(&self, key: &[u8], record: &R) -> bool {
        match &self.index {
            None => self.query.includes(key),
            Some(index) => {
                let keys = index.keys(record);
                keys.iter().any(|key| self.query.includes(key))
            }
        }
    }
}

impl<S, K, R> IndexedStorage<S, K, R> {
    /// Returns a matcher for `query`.
    pub(crate) fn matcher(&self, query: &Query) -> Result<Matcher<R>, Error> {
        let index = match &query.index {
            None => None,
            Some(name) => {
                let declared = self.schema.indices.iter().find(|index| index.name == *name);
                Some(declared.ok_or_else(|| unknown(name))?.clone())
            }
        };
        Ok(Matcher {
            query: query.clone(),
            index,
        })
    }
}
