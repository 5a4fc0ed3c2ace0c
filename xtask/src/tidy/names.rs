//! Checks that the number of names in a crate's root is bounded, so that a newcomer can read its
//! documentation page from top to bottom. Names that few users need belong in a module.

use std::collections::BTreeSet;

use syn::{Attribute, Item, UseTree, Visibility, spanned::Spanned as _};

use super::{Violation, source::Source};

/// The packages with a bounded root, and the maximum number of names that it exports, including
/// modules.
const BOUNDS: [(&str, usize); 2] = [("leptos-sync-core", 40), ("leptos-sync-web", 35)];

/// Reports a root that exports more names than it may.
pub(crate) fn check(package: &str, sources: &[Source], violations: &mut Vec<Violation>) {
    let Some((_, bound)) = BOUNDS.iter().find(|(name, _)| *name == package) else {
        return;
    };
    let mut roots = sources.iter().filter(|source| source.is_root());
    let Some(root) = roots.next() else {
        return;
    };
    let names = exported(root);
    if names.len() > *bound {
        let message = format!(
            "the root of {package} exports {} names, and {bound} are allowed; move some into modules: {}",
            names.len(),
            names.into_iter().collect::<Vec<_>>().join(", ")
        );
        violations.push(root.violation(root.syntax.span(), message));
    }
}

/// Returns the names that a root exports and documents, each once. A trait and its derive count as
/// one name.
fn exported(root: &Source) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in &root.syntax.items {
        let (attributes, visibility, name) = match item {
            Item::Use(item) => {
                if is_shown(&item.attrs, &item.vis) {
                    leaves(&item.tree, &mut names);
                }
                continue;
            }
            Item::Const(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Enum(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Fn(item) => (&item.attrs, &item.vis, &item.sig.ident),
            Item::Mod(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Static(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Struct(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Trait(item) => (&item.attrs, &item.vis, &item.ident),
            Item::Type(item) => (&item.attrs, &item.vis, &item.ident),
            _ => continue,
        };
        if is_shown(attributes, visibility) {
            names.insert(name.to_string());
        }
    }
    names
}

fn is_shown(attributes: &[Attribute], visibility: &Visibility) -> bool {
    let is_hidden = |attribute: &Attribute| {
        attribute.path().is_ident("doc")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|argument| argument == "hidden")
    };
    matches!(visibility, Visibility::Public(_)) && !attributes.iter().any(is_hidden)
}

fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        UseTree::Rename(name) => drop(names.insert(name.rename.to_string())),
        // The number of names in a glob import is unknown, so they count as too many.
        UseTree::Glob(_) => names.extend((0..100).map(|n| format!("*{n}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "pub mod limits;\nmod doc;\npub use doc::{Doc, tx::{Tx, Open as Opened}};\n\
        pub use macros::Doc;\n#[doc(hidden)]\npub mod internal {}\n#[doc(inline)]\npub use doc::Delta;\n\
        pub(crate) use doc::Undo;\npub fn run() {}\n";

    #[test]
    fn what_a_reader_of_the_documentation_sees_is_counted_once() {
        let names = exported(&Source::of("lib.rs", ROOT));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["Delta", "Doc", "Opened", "Tx", "limits", "run"]);
    }

    #[test]
    fn a_root_with_too_many_names_is_reported() {
        let found = |text: &str| {
            let mut violations = Vec::new();
            let sources = [
                Source::of("lib.rs", text),
                Source::of("doc.rs", "pub struct A;"),
            ];
            check("leptos-sync-core", &sources, &mut violations);
            violations.len()
        };
        let items = |count: usize| {
            (0..count)
                .map(|n| format!("pub struct A{n};\n"))
                .collect::<String>()
        };
        assert_eq!(found(&items(40)), 0);
        assert_eq!(found(&items(41)), 1);
        assert_eq!(found("pub use doc::*;\n"), 1);
    }
}
