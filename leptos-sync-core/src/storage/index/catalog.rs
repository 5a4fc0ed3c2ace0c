use serde::{Deserialize, Serialize};

use super::schema::Schema;
use crate::{
    codec::{
        self,
        envelope::{self, Kind},
    },
    error::Error,
};

/// The stored state of all indices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Catalog {
    /// The greatest schema version declared so far.
    pub(super) version: u32,
    /// The id of the next index. Ids are never reused, so leftover entries of a removed index
    /// cannot be mistaken for those of another index.
    next_id: u16,
    pub(super) indices: Vec<CatalogEntry>,
    /// Removed indices whose entries still exist.
    pub(super) dropped: Vec<u16>,
}

/// An index in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CatalogEntry {
    pub(super) id: u16,
    pub(super) name: String,
    unique: bool,
    pub(super) building: Option<BuildPosition>,
}

/// The progress of building an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BuildPosition {
    /// The key of the last record that was listed.
    pub(super) after: Option<Vec<u8>>,
    /// The number of records listed.
    pub(super) records: u64,
}

/// An app's access to a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The schemas agree.
    Full,
    /// A newer build has declared other indices, which this build would not maintain.
    ReadOnly,
}

impl Catalog {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = envelope::open(Kind::Catalog, bytes)?;
        codec::decode(&body).map_err(|error| Error::corrupt(error.to_string()))
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        codec::encode(self, &mut body)?;
        let mut bytes = Vec::new();
        envelope::seal(Kind::Catalog, &body, &mut bytes);
        Ok(bytes)
    }

    /// Updates the catalog to `schema`. New indices need to be built only if there are records.
    /// Returns `None` if the catalog is up to date.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] if the same version was declared with other indices before.
    pub(super) fn declare<R>(
        &self,
        schema: &Schema<R>,
        has_records: bool,
    ) -> Result<Option<Self>, Error> {
        let agrees = schema.indices.len() == self.indices.len()
            && schema.indices.iter().all(|index| {
                self.find(&index.name)
                    .is_some_and(|listed| listed.unique == index.unique)
            });
        if schema.version < self.version || (schema.version == self.version && agrees) {
            return Ok(None);
        }
        if schema.version == self.version {
            return Err(Error::value(format!(
                "version {} of the schema was declared with other indices before; raise the version with every change",
                schema.version
            )));
        }
        let mut next = self.clone();
        next.version = schema.version;
        for listed in std::mem::take(&mut next.indices) {
            let stays = |index: &&super::schema::Declared<R>| {
                *index.name == *listed.name && index.unique == listed.unique
            };
            if schema.indices.iter().any(|index| stays(&index)) {
                next.indices.push(listed);
            } else {
                next.dropped.push(listed.id);
            }
        }
        for index in &schema.indices {
            if next.find(&index.name).is_none() {
                next.add(&index.name, index.unique, has_records)?;
            }
        }
        Ok(Some(next))
    }

    /// Replaces an index by an empty one with a new id, which must be built.
    pub(super) fn rebuild(&mut self, name: &str) -> Result<(), Error> {
        let at = self.indices.iter().position(|listed| listed.name == name);
        let Some(at) = at else {
            return Err(unknown(name));
        };
        let old = self.indices.remove(at);
        self.dropped.push(old.id);
        self.add(name, old.unique, true)
    }

    /// Returns the next id to search for after the catalog was lost.
    pub(super) fn next_to_find(&self) -> Option<u16> {
        (self.next_id < u16::MAX).then_some(self.next_id)
    }

    /// Records entries of an index that no catalog lists.
    pub(super) fn found(&mut self, id: u16) {
        self.dropped.push(id);
        self.next_id = id.saturating_add(1);
    }

    fn add(&mut self, name: &str, unique: bool, has_records: bool) -> Result<(), Error> {
        let id = self.next_id;
        self.next_id = id.checked_add(1).ok_or_else(|| {
            Error::limit("this storage has had 65,535 indices, which is the limit; copy its records to a new storage")
        })?;
        self.indices.push(CatalogEntry {
            id,
            name: name.to_owned(),
            unique,
            building: has_records.then(BuildPosition::default),
        });
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<&CatalogEntry> {
        self.indices.iter().find(|listed| listed.name == name)
    }

    pub(super) fn access<R>(&self, schema: &Schema<R>) -> Access {
        if schema.version < self.version {
            Access::ReadOnly
        } else {
            Access::Full
        }
    }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::value(format!(
        "the schema has no index \"{name}\"; declare it in the schema"
    ))
}
