//! Checks that files and functions are short enough to be understood as a whole.
//!
//! A line of code contains a token that is not a comment. Tests are not counted, neither at the end
//! of a file nor in files of their own.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Block, ImplItemFn, Item, ItemFn, ItemMod, Signature, TraitItemFn,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::{
    Violation,
    source::{Source, is_test_only},
};

/// The maximum lines of code in a file. The goal is 300. The rest leaves space for one more
/// function before a split.
const FILE: usize = 330;

/// The maximum lines of a function from its name to its last brace. Such a function fits on a
/// screen.
const FUNCTION: usize = 70;

/// Reports a file that is too long, and each function that is.
pub(crate) fn check(source: &Source, violations: &mut Vec<Violation>) {
    let lines = code_lines(source);
    if let Some(&past) = lines.iter().nth(FILE) {
        violations.push(Violation {
            path: source.path.clone(),
            line: past,
            message: format!(
                "the file has {} lines of code, {FILE} at most: split it by concept",
                lines.len()
            ),
        });
    }
    let mut functions = Functions { source, violations };
    functions.visit_file(&source.syntax);
}

fn code_lines(source: &Source) -> BTreeSet<usize> {
    let text: Vec<&str> = source.text.lines().collect();
    let mut lines = BTreeSet::new();
    if let Ok(tokens) = source.text.parse() {
        collect(tokens, &text, &mut lines);
    }
    for item in &source.syntax.items {
        if let Item::Mod(module) = item
            && is_test_only(&module.attrs)
        {
            let span = module.span();
            lines.retain(|line| !(span.start().line..=span.end().line).contains(line));
        }
    }
    lines
}

fn collect(tokens: TokenStream, text: &[&str], lines: &mut BTreeSet<usize>) {
    for token in tokens {
        let mut add = |span: Span| {
            if !is_comment(span, text) {
                lines.extend(span.start().line..=span.end().line);
            }
        };
        match token {
            TokenTree::Group(group) => {
                add(group.span_open());
                add(group.span_close());
                collect(group.stream(), text, lines);
            }
            token => add(token.span()),
        }
    }
}

/// Returns whether a token is a documentation comment, which is parsed as an attribute.
fn is_comment(span: Span, text: &[&str]) -> bool {
    let (start, end) = (span.start(), span.end());
    let at = |line: usize| {
        line.checked_sub(1)
            .and_then(|line| text.get(line))
            .copied()
            .unwrap_or_default()
    };
    let rest: String = at(start.line).chars().skip(start.column).take(2).collect();
    if rest == "//" || rest == "/*" {
        return true;
    }
    // The closing bracket of that attribute is at the comment's last character.
    let last = at(end.line).trim_start();
    let opens = matches!(last.get(..3), Some("///" | "//!"));
    opens || (rest == "/" && at(end.line).trim_end().ends_with("*/"))
}

struct Functions<'a> {
    source: &'a Source,
    violations: &'a mut Vec<Violation>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = signature.span().start().line;
        let last = block.brace_token.span.close().end().line;
        let lines = last - first + 1;
        if lines > FUNCTION {
            let message = format!(
                "`{}` has {lines} lines, {FUNCTION} at most: take a step of it out into a function",
                signature.ident
            );
            self.violations
                .push(self.source.violation(signature.span(), message));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test_only(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(text: &str) -> Vec<String> {
        let mut violations = Vec::new();
        check(&Source::of("x.rs", text), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    call();\n".repeat(lines - 2))
    }

    #[test]
    fn blank_lines_and_comments_are_no_code() {
        let text = "//! Story.\n\n/// One.\n// two\nfn a() {\n    /* three\n    four */\n    b(\"x\n    y\");\n}\n\
                    /** Five\n    six. */\nstruct S;\n";
        let lines = code_lines(&Source::of("x.rs", text));
        assert_eq!(lines, BTreeSet::from([5, 8, 9, 10, 13]));
    }

    #[test]
    fn a_file_above_the_limit_is_reported_where_it_passes_it() {
        assert_eq!(violations(&"struct A;\n".repeat(330)), [""; 0]);
        let found = violations(&"struct A;\n".repeat(331));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("src/x.rs:331: the file has 331 lines of code"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn the_tests_at_the_end_of_a_file_do_not_count() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}{}}}\n",
            function(90),
            "struct B;\n".repeat(300)
        );
        assert_eq!(violations(&("struct A;\n".repeat(330) + &tests)), [""; 0]);
    }

    #[test]
    fn a_function_above_the_limit_is_reported_wherever_it_stands() {
        assert_eq!(violations(&function(70)), [""; 0]);
        let long = function(71);
        for text in [
            long.clone(),
            format!("impl A {{\n{long}}}"),
            format!("trait A {{\n{long}}}"),
        ] {
            let found = violations(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("`long` has 71 lines"), "{}", found[0]);
        }
    }

    #[test]
    fn documentation_above_a_function_is_not_its_length() {
        assert_eq!(
            violations(&("/// Doc.\n".repeat(50) + &function(60))),
            [""; 0]
        );
    }
}
