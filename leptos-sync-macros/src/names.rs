//! The names that a field cannot have, because the accessor would hide a method of the same name,
//! or be hidden by it.

/// A name that no field can have, and the item that already has it.
struct Reserved {
    name: &'static str,
    owner: &'static str,
}

const fn reserved(name: &'static str, owner: &'static str) -> Reserved {
    Reserved { name, owner }
}

const NODE: &str = "a method of every `Node`";
const TRANSACTION: &str = "a method of every `Tx`";
const LEPTOS: &str = "a method that leptos gives every node";
const STD: &str = "a method that Rust gives every node and transaction";

/// The reserved names. Accessors take `self` by value, so most other names work, even those of
/// methods in leptos' traits, which the node of a record does not implement.
/// `leptos-sync-web/tests/field_names.rs` tests a record with such names.
const RESERVED: &[Reserved] = &[
    reserved("edit", NODE),
    reserved("read_state", NODE),
    reserved("transact", NODE),
    reserved("cancel", TRANSACTION),
    reserved("stamp", TRANSACTION),
    reserved("as_borrowed", LEPTOS),
    reserved("defined_at", LEPTOS),
    reserved("into_reactive_value", LEPTOS),
    reserved("into_taken", LEPTOS),
    reserved("is_disposed", LEPTOS),
    reserved("clone", STD),
    reserved("eq", STD),
    reserved("into", STD),
    reserved("ne", STD),
    reserved("to_owned", STD),
    reserved("try_into", STD),
];

/// Returns the reason why no field can have this name, or `None` if a field can.
pub(crate) fn conflict(name: &str) -> Option<String> {
    let reserved = RESERVED.iter().find(|reserved| reserved.name == name)?;
    Some(format!(
        "a field cannot be called `{name}`, which is {}: rename the field; data that is stored \
         under this name stays readable with `#[crdt(rename = \"{name}\")]`",
        reserved.owner
    ))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use syn::{FnArg, GenericArgument, GenericParam, ImplItem, Item, PathArguments, Type};

    use super::*;

    /// The sources of the methods of nodes and transactions.
    const SOURCES: [&str; 2] = ["../leptos-sync-web/src/node", "../leptos-sync-core/src/doc"];

    #[test]
    fn every_method_that_all_nodes_or_transactions_have_is_reserved() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut methods = BTreeSet::new();
        for source in SOURCES {
            for entry in fs::read_dir(root.join(source)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "rs") {
                    collect(&fs::read_to_string(path).unwrap(), &mut methods);
                }
            }
        }
        let own = |reserved: &&Reserved| [NODE, TRANSACTION].contains(&reserved.owner);
        let listed: BTreeSet<String> = RESERVED
            .iter()
            .filter(own)
            .map(|reserved| reserved.name.to_owned())
            .collect();
        assert_eq!(methods, listed);
    }

    /// Collects the public methods of `impl<T> Node<T>` and `impl<T> Tx<'_, T>`.
    fn collect(source: &str, methods: &mut BTreeSet<String>) {
        for item in syn::parse_file(source).unwrap().items {
            let Item::Impl(block) = item else { continue };
            if block.trait_.is_some() || !is_of_every_type(&block) {
                continue;
            }
            for item in &block.items {
                if let ImplItem::Fn(method) = item
                    && matches!(method.vis, syn::Visibility::Public(_))
                    && matches!(method.sig.inputs.first(), Some(FnArg::Receiver(_)))
                {
                    methods.insert(method.sig.ident.to_string());
                }
            }
        }
    }

    /// Returns whether the block is for `Node<T>` or `Tx<T>`, where `T` is a parameter of the
    /// block.
    fn is_of_every_type(block: &syn::ItemImpl) -> bool {
        let Type::Path(path) = &*block.self_ty else {
            return false;
        };
        let Some(last) = path.path.segments.last() else {
            return false;
        };
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return false;
        };
        let (true, Some(GenericArgument::Type(Type::Path(argument)))) = (
            last.ident == "Node" || last.ident == "Tx",
            arguments.args.last(),
        ) else {
            return false;
        };
        block.generics.params.iter().any(|parameter| {
            matches!(parameter, GenericParam::Type(parameter) if argument.path.is_ident(&parameter.ident))
        })
    }

    #[test]
    fn a_conflict_names_the_field_and_says_what_to_do() {
        for Reserved { name, .. } in RESERVED {
            let message = conflict(name).unwrap();
            assert!(message.contains(&format!("`{name}`")), "{message}");
            assert!(message.contains("rename the field"), "{message}");
        }
        assert_eq!(conflict("title"), None);
    }
}
