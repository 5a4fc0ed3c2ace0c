//! Checks that the core's modules import only from the layers to their left:
//!
//! ```text
//! id clock version limits error path pool ← codec ← crdt ← delta ← history ← doc lazy storage stream transport sync ← collection engine
//! ```
//!
//! Modules of one layer do not import each other, except in the first layer. Tests are not checked.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::{
    Item, ItemMod, ItemUse, Macro, UseTree,
    visit::{self, Visit},
};

use super::{
    Violation,
    reexports::reexports,
    source::{Source, is_test_only},
};

/// The package that has layers.
pub(crate) const CORE: &str = "leptos-sync-core";

/// The modules of each layer, from left to right.
const LAYERS: [&[&str]; 7] = [
    &[
        "id",
        "clock",
        "version",
        "limits",
        "error",
        "path",
        "pool",
        "order",
        "positions",
    ],
    &["codec"],
    &["crdt"],
    &["delta"],
    &["history"],
    &["doc", "lazy", "storage", "stream", "transport", "sync"],
    &["collection", "engine"],
];

/// Reports every import against this order, and every module that is not in a layer.
pub(crate) fn check(sources: &[Source], violations: &mut Vec<Violation>) {
    let Some(root) = sources.iter().find(|source| source.is_root()) else {
        return;
    };
    for item in &root.syntax.items {
        // A module that is defined in the root itself only groups exports.
        if let Item::Mod(module) = item
            && module.content.is_none()
            && !is_test_only(&module.attrs)
            && layer(&module.ident.to_string()).is_none()
        {
            let message = format!(
                "`{}` stands in no layer: give it its place in xtask/src/tidy/layers.rs and in ARCHITECTURE.md",
                module.ident
            );
            violations.push(root.violation(module.ident.span(), message));
        }
    }
    let exported = reexports(root);
    for source in sources.iter().filter(|source| source.in_src.is_some()) {
        let module = source.module();
        // The root may import everything.
        if module.is_empty() {
            continue;
        }
        let mut imports = Imports {
            module,
            exported: &exported,
            found: BTreeSet::new(),
        };
        imports.visit_file(&source.syntax);
        let own = source.module().into_iter().next().unwrap_or_default();
        for (line, other) in imports.found {
            if !may_import(&own, &other) {
                let message = format!(
                    "`{own}` imports `{other}`, which is not to its left: move what is shared to a layer left of both"
                );
                violations.push(Violation {
                    path: source.path.clone(),
                    line,
                    message,
                });
            }
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn may_import(from: &str, to: &str) -> bool {
    match (layer(from), layer(to)) {
        _ if from == to => true,
        (Some(from), Some(to)) => to < from || (from == 0 && to == 0),
        // A module without a layer is reported once, and not for every import.
        _ => true,
    }
}

/// A visitor that collects the top-level modules that a file names.
struct Imports<'a> {
    /// The module of the file.
    module: Vec<String>,
    exported: &'a BTreeMap<String, String>,
    /// The line and the top-level module.
    found: BTreeSet<(usize, String)>,
}

impl Imports<'_> {
    /// Records a path if its first words lead from the crate's root into a module.
    fn note<'b>(&mut self, mut words: impl Iterator<Item = &'b Ident>) {
        let Some(first) = words.next() else {
            return;
        };
        let mut at = match first.to_string().as_str() {
            "crate" => Vec::new(),
            "super" => self.parent(self.module.clone()),
            // Other paths are in this module or in another crate.
            _ => return,
        };
        for word in words {
            if word == "super" {
                at = self.parent(at);
            } else if at.is_empty() {
                self.found_in_root(word, first.span());
                return;
            } else {
                return;
            }
        }
    }

    fn parent(&self, mut module: Vec<String>) -> Vec<String> {
        module.pop();
        module
    }

    fn found_in_root(&mut self, name: &Ident, at: Span) {
        let name = name.to_string();
        let module = self.exported.get(&name).unwrap_or(&name);
        self.found.insert((at.start().line, module.clone()));
    }

    fn note_use<'b>(&mut self, tree: &'b UseTree, before: &mut Vec<&'b Ident>) {
        match tree {
            UseTree::Path(path) => {
                before.push(&path.ident);
                self.note_use(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.note_use(tree, before)),
            UseTree::Name(name) => self.note(before.iter().copied().chain([&name.ident])),
            UseTree::Rename(name) => self.note(before.iter().copied().chain([&name.ident])),
            UseTree::Glob(_) => self.note(before.iter().copied()),
        }
    }

    /// Finds `crate::name` and `$crate::name` among the tokens of a macro, which is not parsed.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for token in &tokens {
            if let TokenTree::Group(group) = token {
                self.note_tokens(group.stream());
            }
        }
        for words in tokens.windows(4) {
            if let [
                TokenTree::Ident(first),
                TokenTree::Punct(colon),
                TokenTree::Punct(_),
                TokenTree::Ident(name),
            ] = words
                && first == "crate"
                && colon.as_char() == ':'
            {
                self.found_in_root(name, first.span());
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test_only(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_use(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(path.segments.iter().map(|segment| &segment.ident));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.note_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "mod clock; mod codec; mod crdt; mod delta; mod doc; mod engine; mod error; mod sync;\n\
                        pub use doc::Doc;\n";

    fn violations(path: &str, text: &str) -> Vec<String> {
        let sources = [Source::of("lib.rs", ROOT), Source::of(path, text)];
        let mut violations = Vec::new();
        check(&sources, &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn assert_against(path: &str, text: &str, from: &str, to: &str) {
        let found = violations(path, text);
        let expected = format!("src/{path}:1: `{from}` imports `{to}`");
        assert!(
            found.len() == 1 && found[0].starts_with(&expected),
            "{text}: {found:?}"
        );
    }

    #[test]
    fn imports_to_the_left_are_free() {
        let text = "use crate::{clock::Stamp, codec::{self, Codec}, crdt};\nuse super::error::Error;\n\
                    use std::fmt;\nuse self::inner::X;\nmod inner { use super::super::clock; }\n";
        assert_eq!(violations("delta/mod.rs", text), [""; 0]);
        assert_eq!(
            violations("clock/mod.rs", "use crate::error::Error;"),
            [""; 0]
        );
    }

    #[test]
    fn imports_to_the_right_are_found_in_every_spelling() {
        for text in [
            "use crate::doc::Doc;",
            "use crate::{clock::Stamp, doc::{Doc}};",
            "use super::doc::Doc;",
            "use crate::doc::*;",
            "use crate::doc as d;",
            "fn a() -> crate::doc::X { todo!() }",
            "mod inner { use super::super::doc::Doc; }",
            "fn a() { vec![crate::doc::new()]; }",
            "macro_rules! a { () => { $crate::doc::new() } }",
        ] {
            assert_against("crdt.rs", text, "crdt", "doc");
        }
        assert_against("crdt/map.rs", "use super::super::doc::Doc;", "crdt", "doc");
    }

    #[test]
    fn a_name_that_the_root_exports_is_its_modules() {
        assert_against("crdt.rs", "use crate::Doc;", "crdt", "doc");
    }

    #[test]
    fn neighbours_do_not_import_each_other() {
        assert_against("sync/mod.rs", "use crate::doc::Apply;", "sync", "doc");
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let text =
            "#[cfg(test)] mod tests { use crate::doc::Doc; }\n#[cfg(test)] use crate::engine::E;\n";
        assert_eq!(violations("crdt.rs", text), [""; 0]);
    }

    #[test]
    fn a_module_without_a_layer_is_reported_once() {
        let sources = [
            Source::of("lib.rs", "mod misc;"),
            Source::of("crdt.rs", "use crate::misc::X;"),
        ];
        let mut violations = Vec::new();
        check(&sources, &mut violations);
        assert_eq!(violations.len(), 1);
        assert!(
            violations[0]
                .message
                .starts_with("`misc` stands in no layer")
        );
    }
}
