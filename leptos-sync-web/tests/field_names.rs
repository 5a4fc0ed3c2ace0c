//! Fields that have the names of methods. On every receiver, the name refers to the accessor.

use leptos::prelude::*;
use leptos_sync_web::{Clock, Crdt, Doc, LiveDoc, LwwRegister, Node, ReplicaId, Tx};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

type Flag = LwwRegister<bool>;

/// Declares a record with a field of each name, and reads and writes each through a node, a
/// reference to one, and both kinds of transactions.
macro_rules! fields {
    ($($name:ident)*) => {
        #[derive(Crdt, Clone, Default)]
        struct Record {
            $($name: Flag),*
        }

        fn set_all(tx: &mut Tx<'_, Record>) {
            $(tx.$name().set(true);)*
        }

        fn unset_all(tx: &mut Tx<'_, Page>) {
            $(tx.nested().$name().set(false);)*
        }

        fn all(node: Node<Record>) -> Vec<bool> {
            let reference = &node;
            vec![$(node.$name().get_untracked() && reference.$name().get_untracked()),*]
        }
    };
}

// Methods of leptos' signals, of nodes of other types, of iterators, and methods that later
// versions of this library may add to some nodes.
fields! {
    at attr bind borrow changes children clear cmp connection contains contains_key count cursor
    decrement delete deref detach discard dispose done each emit entries entry error exists extend
    filter first fmt focus get get_mut get_untracked get_value hash history id increment index
    insert insert_batch into_any into_inner into_iter into_view is_empty items iter key keys kind
    last len list live location map max maybe_update merge meta min mode move_to name new next
    node notify on order owner part pause path peers pending permission place pop position push
    range read read_only read_untracked record redo reject remove remove_batch replace resolve
    restore retain role save saved send set set_untracked set_value size sort source split start
    state status stop storage style subscribe sync synced take text time to_string toggle track
    trigger try_get try_set try_update type_id undo update update_untracked user value values
    version view watch width with with_untracked write write_only zip
}

#[derive(Crdt, Clone, Default)]
struct Page {
    nested: Record,
}

#[test]
fn a_field_may_have_the_name_of_a_signals_method() {
    let owner = Owner::new();
    owner.with(|| {
        let doc = LiveDoc::<Page>::new(Doc::new(Clock::system(ReplicaId::new(1)))).node();
        doc.edit(|tx| set_all(&mut tx.nested()));
        assert!(all(doc.nested()).into_iter().all(|flag| flag));
        doc.edit(unset_all);
        assert!(!all(doc.nested()).into_iter().any(|flag| flag));
    });
}
