use serde::{Deserialize, Serialize};

use super::schema::Schema;
use crate::{
    codec::{
        Bincode, Codec,
        envelope::{self, Kind},
    },
    error::Error,
};

/// What a storage knows of its indices, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Catalog {
    /// The greatest version of a schema that was declared.
    pub(super) version: u32,
    /// The id that the next index gets. None is used twice, so that entries of one that is gone are never taken for
    /// another's.
    next_id: u16,
    pub(super) indices: Vec<Listed>,
    /// Indices that are gone, whose entries are still there.
    pub(super) dropped: Vec<u16>,
}

/// An index in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) id: u16,
    pub(super) name: String,
    unique: bool,
    pub(super) building: Option<Building>,
}

/// How far the building of an index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Building {
    /// The key of the last record that was listed.
    pub(super) after: Option<Vec<u8>>,
    /// How many records were.
    pub(super) records: u64,
}

/// What an app may do with a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The schemas agree.
    Full,
    /// A newer build has declared other indices, which this one would not keep.
    ReadOnly,
}

impl Catalog {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = envelope::open(Kind::Catalog, bytes)?;
        Bincode::decode(&body).map_err(|error| Error::corrupt(error.to_string()))
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        Bincode::encode(self, &mut body)?;
        let mut bytes = Vec::new();
        envelope::seal(Kind::Catalog, &body, &mut bytes);
        Ok(bytes)
    }

    /// Brings the catalog to what `schema` declares; whether there are records says whether anything is to be built.
    /// `None` where nothing is to be changed.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] where the same version was declared otherwise before.
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
                "version {} of the indices was declared otherwise before: raise the version with every change",
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

    /// Empties an index and lets it be built anew, under another id.
    pub(super) fn rebuild(&mut self, name: &str) -> Result<(), Error> {
        let at = self.indices.iter().position(|listed| listed.name == name);
        let Some(at) = at else {
            return Err(unknown(name));
        };
        let old = self.indices.remove(at);
        self.dropped.push(old.id);
        self.add(name, old.unique, true)
    }

    /// The least id that no index of a lost catalog is known to have had.
    pub(super) fn next_to_find(&self) -> Option<u16> {
        (self.next_id < u16::MAX).then_some(self.next_id)
    }

    /// Takes note that entries of an index were found that no catalog tells of.
    pub(super) fn found(&mut self, id: u16) {
        self.dropped.push(id);
        self.next_id = id.saturating_add(1);
    }

    fn add(&mut self, name: &str, unique: bool, has_records: bool) -> Result<(), Error> {
        let id = self.next_id;
        self.next_id = id.checked_add(1).ok_or_else(|| {
            Error::limit("this storage has had 65,535 indices; move its records to a new one")
        })?;
        self.indices.push(Listed {
            id,
            name: name.to_owned(),
            unique,
            building: has_records.then(Building::default),
        });
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Listed> {
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
        "there is no index \"{name}\" here: declare it in the schema"
    ))
}
