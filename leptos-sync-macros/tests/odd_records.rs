//! Records that are unusual but correct Rust, in a crate that denies warnings.
#![deny(warnings, private_bounds, private_interfaces)]
#![allow(missing_docs, clippy::unwrap_used, reason = "a failed test may panic")]

use std::marker::PhantomData;

use leptos_sync_core::{Clock, Crdt, Doc, LwwMap, LwwRegister, ReplicaId, Root, Tx, Value};

fn accepts<S: Root>(edit: impl FnOnce(&mut Tx<'_, S>)) {
    let mut doc = Doc::<S>::new(Clock::system(ReplicaId::new(1)));
    doc.transact(edit).unwrap();
}

/// A record of which the fields' types mention the record.
#[derive(Crdt, Clone, Default)]
pub struct Grid {
    pub cells: LwwMap<String, [u8; Self::WIDTH]>,
    pub nothing: LwwRegister<Option<PhantomData<[Self; 2]>>>,
}

impl Grid {
    const WIDTH: usize = 3;
}

#[derive(Crdt, Clone, Default)]
pub struct Typed<T>
where
    T: Value + Default,
{
    pub of: LwwRegister<Option<PhantomData<(Self, T)>>>,
}

#[test]
fn a_field_type_may_mention_the_record_as_self() {
    accepts::<Grid>(|tx| {
        tx.cells().insert("a".to_owned(), [1, 2, 3]);
        tx.nothing().set(None);
    });
    accepts::<Typed<u8>>(|tx| tx.of().set(None));
}

/// Names that the derived code uses, or once used, itself.
#[derive(Crdt, Clone, Default)]
#[allow(non_snake_case)]
pub struct FocusedOn {
    pub r#type: LwwRegister<u8>,
    pub r#fn: LwwRegister<u8>,
    pub path: LwwRegister<u8>,
    pub group: LwwRegister<u8>,
    pub rest: LwwRegister<u8>,
    pub out: LwwRegister<u8>,
    pub other: LwwRegister<u8>,
    pub record: LwwRegister<u8>,
    pub größe: LwwRegister<u8>,
    pub TITLE: LwwRegister<u8>,
    #[deprecated]
    pub old: LwwRegister<u8>,
}

#[test]
fn a_record_and_its_fields_may_have_any_name_that_is_not_reserved() {
    accepts::<FocusedOn>(|tx| {
        tx.r#type().set(1);
        tx.größe().set(1);
        tx.TITLE().set(1);
    });
}

#[derive(Crdt, Clone, Default)]
pub struct Empty {}

#[derive(Crdt, Clone, Default)]
pub struct Generic<T: Value + Default = u8, const N: usize = 3>
where
    T: PartialEq,
{
    pub title: LwwRegister<Option<Box<T>>>,
    #[cfg(not(any()))]
    pub present: LwwRegister<u8>,
    #[cfg(any())]
    pub absent: Missing,
}

mod inner {
    use leptos_sync_core::{Crdt, LwwRegister};

    #[derive(Crdt, Clone, Default)]
    struct Secret {
        key: LwwRegister<String>,
    }

    /// Has a field of a private type.
    #[derive(Crdt, Clone, Default)]
    pub(super) struct Account {
        pub(in crate::inner) name: LwwRegister<String>,
        secret: Secret,
    }

    impl Account {
        pub(super) fn is_new(&self) -> bool {
            self.name.get().is_empty() && self.secret.key.get().is_empty()
        }
    }
}

#[test]
fn a_record_may_be_empty_generic_private_and_conditional() {
    use inner::AccountFields as _;
    accepts::<Empty>(|_| ());
    accepts::<Generic<String, 7>>(|tx| {
        tx.title().set(Some(Box::default()));
        tx.present().set(1);
    });
    accepts::<inner::Account>(|tx| {
        assert!(tx.is_new());
        tx.name().set("ada".to_owned());
    });
}
