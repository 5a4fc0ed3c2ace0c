//! The CRDTs: typed views over last-writer-wins cells.

mod apply;
mod cell_map;
mod changes;
mod containment;
mod count;
mod field;
mod g_counter;
mod join;
mod lww_map;
mod lww_register;
mod mv_register;
mod or_set;
mod per_replica;
mod pn_counter;
pub mod position;
mod quarantine;
mod records;
mod schema;
mod stable;
mod tagged;
mod tombstones;
mod traits;

pub use apply::Applied;
pub use cell_map::CellMap;
pub use changes::{Change, Changes};
pub use field::{Field, Focus};
pub use g_counter::GCounter;
pub use join::Join;
pub use lww_map::LwwMap;
pub use lww_register::LwwRegister;
pub use mv_register::MvRegister;
pub use or_set::OrSet;
pub use pn_counter::PnCounter;
pub use quarantine::Quarantined;
pub use schema::schema;
pub use stable::Stable;
pub use tagged::element_of;
pub use traits::{Crdt, Key, OldCell, Root, Value};

pub(crate) use count::Count;
pub(crate) use per_replica::cell_key;
pub(crate) use quarantine::Quarantine;
pub(crate) use records::{PRESENT, Records, keys_of};
pub(crate) use tagged::{TagCells, TagNames, Tagged, encode_key};
pub(crate) use tombstones::{Change as TombstoneChange, Tombstones};
pub(crate) use traits::SavedCell;
