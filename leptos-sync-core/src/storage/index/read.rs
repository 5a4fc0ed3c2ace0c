use super::{
    Cursor, IndexedStorage, Page, Query, SharedState,
    catalog::unknown,
    key::{RecordKey, bytes_of, parse},
    layout::{read_owners, split_entry},
};
use crate::{
    error::Error,
    limits,
    storage::{Damage, Storage},
};

/// An index that can be queried: its position in the schema, its id, and whether an entry may list
/// several records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UsableIndex {
    index: usize,
    id: u16,
    unique: bool,
}

/// A record listed by an index entry.
struct Entry {
    /// The entry's key.
    place: Vec<u8>,
    at: Cursor,
}

impl<S: Storage, K: RecordKey, R: Clone + 'static> IndexedStorage<S, K, R> {
    /// Returns the record at `key`. Costs one read.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if it is damaged, or an error of the storage.
    pub async fn get(&self, key: &K) -> Result<Option<R>, Error> {
        let records = self.get_batch([key]).await?;
        Ok(records.into_iter().next().flatten())
    }

    /// Returns the records at `keys`, in order, from one state of the storage.
    ///
    /// # Errors
    ///
    /// Those of [`get`](IndexedStorage::get).
    pub async fn get_batch<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<R>>, Error> {
        let keys: Vec<Vec<u8>> = keys.into_iter().map(bytes_of).collect();
        let places: Vec<Vec<u8>> = keys.iter().map(|key| self.layout.record(key)).collect();
        let places: Vec<&[u8]> = places.iter().map(Vec::as_slice).collect();
        let found = self.store.get_many(&places).await?;
        let decode = |(key, bytes): (&Vec<u8>, Option<Vec<u8>>)| {
            let record = bytes.map(|bytes| self.decode(key, &bytes)).transpose()?;
            Ok(record.filter(self.form.shown))
        };
        keys.iter().zip(found).map(decode).collect()
    }

    /// Returns the records that match `query`. Reads the index entries, then their records, a few
    /// hundred at a time.
    ///
    /// # Errors
    ///
    /// - [`Error::is_value`] if the index is not declared.
    /// - [`Error::is_unavailable`] if the index is not [built](IndexedStorage::build) yet.
    /// - [`Error::is_unsupported`] if a newer build of the app has removed the index.
    /// - An error of the storage.
    pub async fn query(&self, query: Query) -> Result<Page<K, R>, Error> {
        let found = self.find(query, self.form.shown).await?;
        let mut page = Page {
            records: Vec::with_capacity(found.records.len()),
            next: found.next,
            damage: found.damage,
        };
        for (key, record) in found.records {
            match parse(&key) {
                Ok(parsed) => page.records.push((parsed, record)),
                Err(error) => page.damage.push(Damage {
                    key: self.layout.record(&key),
                    error,
                }),
            }
        }
        Ok(page)
    }

    /// Returns the records that match `query` and are `shown`, with encoded keys.
    pub(crate) async fn find(
        &self,
        mut query: Query,
        shown: fn(&R) -> bool,
    ) -> Result<FoundRecords<R>, Error> {
        let mut found = FoundRecords {
            shown,
            records: Vec::new(),
            next: None,
            damage: Vec::new(),
            last: None,
        };
        // Read one more than the limit to find out whether there is a next page.
        while found.next.is_none() && query.limit > 0 {
            let room = query.limit.saturating_add(1) - found.records.len();
            let chunk = room.min(limits::READ_RECORDS);
            query.read = match query.index.clone() {
                None => self.read_records(&query, chunk, &mut found).await?,
                Some(name) => self.read_entries(&name, &query, chunk, &mut found).await?,
            };
            if query.read.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// Reads up to `chunk` records in the order of their keys. Returns the last key that was read,
    /// or `None` at the end.
    async fn read_records(
        &self,
        query: &Query,
        chunk: usize,
        found: &mut FoundRecords<R>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let prefix = self.layout.record(&[]);
        let scan = query.scan(&prefix, false).limit(chunk);
        let records = self.store.scan(scan).await?;
        let read = last_of(&records, chunk);
        for (place, bytes) in records {
            let key = place.get(prefix.len()..).unwrap_or_default();
            let at = Cursor {
                key: Vec::new(),
                record: key.to_vec(),
            };
            match self.decode(key, &bytes) {
                Ok(record) => found.add(query, at, record),
                Err(error) => found.damage.push(Damage { key: place, error }),
            }
        }
        Ok(read)
    }

    /// Reads records like [`read_records`](IndexedStorage::read_records), in the order of an index.
    async fn read_entries(
        &self,
        name: &str,
        query: &Query,
        chunk: usize,
        found: &mut FoundRecords<R>,
    ) -> Result<Option<Vec<u8>>, Error> {
        for _ in 0..limits::WRITE_ATTEMPTS {
            let known = self.known();
            let asked = match self.ask(&known, name) {
                Err(error) if error.is_unavailable() => self.ask(&*self.look().await?, name)?,
                asked => asked?,
            };
            let prefix = self.layout.index(asked.id);
            let scan = query.scan(&prefix, asked.unique).limit(chunk);
            let listed = self.store.scan(scan).await?;
            let read = last_of(&listed, chunk);
            let (entries, damage) = entries(listed, prefix.len(), asked, query);
            if self.read_listed(asked, query, &entries, found).await? {
                found.damage.extend(damage);
                return Ok(read);
            }
            // The catalog has changed, so the index may have been removed meanwhile.
            self.look().await?;
        }
        Err(super::never_its_turn())
    }

    /// Returns the index with this name, if it can be queried.
    fn ask(&self, known: &SharedState, name: &str) -> Result<UsableIndex, Error> {
        let declared = self.schema.indices.iter().enumerate();
        let mut declared = declared.filter(|(_, index)| &*index.name == name);
        let (index, declared) = declared.next().ok_or_else(|| unknown(name))?;
        let listed = known.catalog.find(name).ok_or_else(|| {
            Error::unsupported(format!(
                "a newer version of the app has removed the index \"{name}\"; update the app or reload the page"
            ))
        })?;
        if let Some(building) = &listed.building {
            return Err(Error::unavailable(format!(
                "the index \"{name}\" is not built yet, {} records are listed so far; retry later",
                building.records
            )));
        }
        Ok(UsableIndex {
            index,
            id: listed.id,
            unique: declared.unique,
        })
    }

    /// Reads the listed records, the entries and the catalog from one state. If the catalog has
    /// changed, returns `false` and adds nothing.
    async fn read_listed(
        &self,
        asked: UsableIndex,
        query: &Query,
        entries: &[Entry],
        found: &mut FoundRecords<R>,
    ) -> Result<bool, Error> {
        let catalog = self.layout.catalog();
        let records: Vec<Vec<u8>> = entries
            .iter()
            .map(|entry| self.layout.record(&entry.at.record))
            .collect();
        let mut places: Vec<&[u8]> = vec![&catalog];
        places.extend(records.iter().map(Vec::as_slice));
        let mut read = self.store.get_many(&places).await?.into_iter();
        if read.next().flatten() != self.known().catalog_bytes {
            return Ok(false);
        }
        for (entry, bytes) in entries.iter().zip(read) {
            if found.next.is_some() {
                break;
            }
            let at = &entry.at;
            match self.listed(asked, at, bytes) {
                Ok(record) => found.add(query, at.clone(), record),
                Err(error) => {
                    if let Some(error) = self.damaged(asked, entry, error).await? {
                        found.damage.push(Damage {
                            key: entry.place.clone(),
                            error,
                        });
                    }
                }
            }
        }
        Ok(true)
    }

    /// Decodes the record that an entry lists and checks that the record has the entry's key.
    fn listed(&self, asked: UsableIndex, at: &Cursor, bytes: Option<Vec<u8>>) -> Result<R, Error> {
        let bytes = bytes.ok_or_else(|| mismatch("lists a record that does not exist"))?;
        let record = self.decode(&at.record, &bytes)?;
        if !self.is_listed(asked.index, &record, &at.key) {
            return Err(mismatch("lists a record under a wrong key"));
        }
        Ok(record)
    }

    /// Returns the error of an entry that does not match its record. First reads both again from
    /// one state, since a write between the two reads can explain a mismatch.
    async fn damaged(
        &self,
        asked: UsableIndex,
        entry: &Entry,
        error: Error,
    ) -> Result<Option<Error>, Error> {
        let record = self.layout.record(&entry.at.record);
        let found = self.store.get_many(&[&entry.place, &record]).await?;
        let mut found = found.into_iter();
        let Some(value) = found.next().flatten() else {
            return Ok(None);
        };
        let gone = asked.unique
            && read_owners(&value).is_ok_and(|owners| !owners.contains(&entry.at.record));
        if gone
            || self
                .listed(asked, &entry.at, found.next().flatten())
                .is_ok()
        {
            return Ok(None);
        }
        Ok(Some(error))
    }
}

/// The records found so far, with encoded keys.
pub(crate) struct FoundRecords<R> {
    shown: fn(&R) -> bool,
    pub(crate) records: Vec<(Vec<u8>, R)>,
    pub(crate) next: Option<Cursor>,
    pub(crate) damage: Vec<Damage>,
    /// The position of the last record. It becomes the cursor if there is a next page.
    last: Option<Cursor>,
}

impl<R> FoundRecords<R> {
    /// Adds a record, or records that there is a next page.
    fn add(&mut self, query: &Query, at: Cursor, record: R) {
        if self.next.is_some() || !(self.shown)(&record) {
            return;
        }
        if self.records.len() < query.limit {
            self.records.push((at.record.clone(), record));
            self.last = Some(at);
        } else {
            self.next = self.last.take();
        }
    }
}

/// Returns the key of the last record if `asked_for` records were found, since more may follow.
fn last_of(records: &[(Vec<u8>, Vec<u8>)], asked_for: usize) -> Option<Vec<u8>> {
    let last = records.last().filter(|_| records.len() == asked_for);
    last.map(|(key, _)| key.clone())
}

/// Decodes the entries after the cursor, and collects damaged ones.
fn entries(
    found: Vec<(Vec<u8>, Vec<u8>)>,
    prefix: usize,
    asked: UsableIndex,
    query: &Query,
) -> (Vec<Entry>, Vec<Damage>) {
    let (mut entries, mut damage) = (Vec::with_capacity(found.len()), Vec::new());
    for (place, value) in found {
        let rest = place.get(prefix..).unwrap_or_default();
        let named = if asked.unique {
            read_owners(&value).map(|records| {
                let at = |record| Cursor {
                    key: rest.to_vec(),
                    record,
                };
                records.into_iter().map(at).collect()
            })
        } else {
            split_entry(rest, &value).map(|(key, record)| {
                vec![Cursor {
                    key: key.to_vec(),
                    record: record.to_vec(),
                }]
            })
        };
        match named {
            Ok(mut named) => {
                if query.reverse {
                    named.reverse();
                }
                let ahead = named.into_iter().filter(|at| query.is_ahead(at));
                entries.extend(ahead.map(|at| Entry {
                    place: place.clone(),
                    at,
                }));
            }
            Err(error) => damage.push(Damage { key: place, error }),
        }
    }
    (entries, damage)
}

fn mismatch(what: &str) -> Error {
    Error::corrupt(format!("an index entry {what}; rebuild the index"))
}
