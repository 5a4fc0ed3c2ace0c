//! The modules of the names that a crate's root exports, so that `crate::Name` counts as an import
//! from its module.

use std::collections::BTreeMap;

use syn::{Item, UseTree};

use super::source::Source;

/// Maps a name in the root to the top-level module that exports it.
pub(crate) fn reexports(root: &Source) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for item in &root.syntax.items {
        if let Item::Use(item) = item {
            walk(&item.tree, None, &mut names);
        }
    }
    names
}

fn walk(tree: &UseTree, module: Option<&str>, names: &mut BTreeMap<String, String>) {
    let mut add = |name: String| {
        if let Some(module) = module {
            names.insert(name, module.to_owned());
        }
    };
    match tree {
        UseTree::Path(path) => {
            let name = path.ident.to_string();
            let is_root = matches!(name.as_str(), "crate" | "self");
            let module = module.or_else(|| (!is_root).then_some(name.as_str()));
            walk(&path.tree, module, names);
        }
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| walk(tree, module, names)),
        UseTree::Name(name) => add(name.ident.to_string()),
        UseTree::Rename(name) => add(name.rename.to_string()),
        UseTree::Glob(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_root_is_known_as_its_modules() {
        let root = "pub use clock::{Stamp, hlc::Clock as Hlc};\npub use self::{doc::Doc};\npub use crate::id::Id;\n";
        let names = reexports(&Source::of("lib.rs", root));
        let of = |name| names.get(name).map(String::as_str);
        assert_eq!(of("Stamp"), Some("clock"));
        assert_eq!(of("Hlc"), Some("clock"));
        assert_eq!(of("Doc"), Some("doc"));
        assert_eq!(of("Id"), Some("id"));
        assert_eq!(of("Clock"), None);
    }
}
