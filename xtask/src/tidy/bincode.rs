//! Checks that only the core's `codec` names `bincode`. The crate is no longer developed, so a
//! change of that folder alone must suffice to replace it.

use proc_macro2::{TokenStream, TokenTree};

use super::{Violation, source::Source};

/// The folder that may name it.
const HOME: &str = "leptos-sync-core/src/codec";

/// Reports the first mention on each line, including tests and macros. Comments may name it.
pub(crate) fn check(source: &Source, violations: &mut Vec<Violation>) {
    if source.in_src.is_none() || source.path.starts_with(HOME) {
        return;
    }
    let mut lines = Vec::new();
    if let Ok(tokens) = source.text.parse() {
        collect(tokens, &mut lines);
    }
    lines.dedup();
    for line in lines {
        violations.push(Violation {
            path: source.path.clone(),
            line,
            message: format!("`bincode` is named outside of {HOME}: go through `codec::encode` and `codec::decode`"),
        });
    }
}

fn collect(tokens: TokenStream, lines: &mut Vec<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), lines),
            TokenTree::Ident(name) if name == "bincode" => lines.push(name.span().start().line),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let mut source = Source::of("x.rs", text);
        source.path = PathBuf::from(path);
        let mut violations = Vec::new();
        check(&source, &mut violations);
        violations.iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_mention_outside_of_codec_is_found_in_imports_paths_and_macros() {
        let text = "use bincode::Encode;\nfn a() {\n    vec![bincode::x()];\n}\n";
        assert_eq!(lines("leptos-sync-core/src/delta/mod.rs", text), [1, 3]);
        assert_eq!(
            lines("leptos-sync-core/src/codec/bincode/mod.rs", text),
            [0; 0]
        );
    }

    #[test]
    fn words_are_not_code() {
        let text =
            "/// Not bincode.\nfn a() {\n    // bincode\n    let _ = (\"bincode\", Bincode);\n}\n";
        assert_eq!(lines("leptos-sync-web/src/lib.rs", text), [0; 0]);
    }
}
