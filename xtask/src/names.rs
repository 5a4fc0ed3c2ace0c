//! The names of the functions that a page's wasm and its JavaScript share.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The object that wasm-bindgen's JavaScript calls the exports of.
const EXPORTS_OF: &str = "wasm.";

/// What `wasm-opt` has renamed in a file, as it prints it: module, name and new name of each import, name and new name of
/// each export.
///
/// wasm-bindgen's names end with hashes, which cannot be compressed: with names of one or two letters the todo example is
/// 5 KB smaller.
#[derive(Debug, Deserialize)]
pub(crate) struct Renamed {
    imports: Vec<(String, String, String)>,
    exports: Vec<(String, String)>,
}

/// What `wasm-opt` calls the one module that imports are from.
const MODULE: &str = "a";

impl Renamed {
    /// Reads what `wasm-opt` printed.
    pub(crate) fn parse(printed: &str) -> Result<Self> {
        serde_json::from_str(printed).context("wasm-opt printed no names that it shortened")
    }

    /// Says the new names in wasm-bindgen's JavaScript.
    ///
    /// # Errors
    ///
    /// An import that is not there, or one of another module: it is not what wasm-bindgen wrote.
    pub(crate) fn apply(&self, js: &Path) -> Result<()> {
        let script = fs::read_to_string(js)
            .with_context(|| format!("cannot read {}", js.display()))
            .and_then(|script| self.rename(&script))?;
        fs::write(js, script).with_context(|| format!("cannot write {}", js.display()))
    }

    fn rename(&self, script: &str) -> Result<String> {
        let mut imports: HashMap<&str, &str> = HashMap::new();
        let mut modules: Vec<&str> = Vec::new();
        for (module, name, short) in &self.imports {
            imports.insert(name, short);
            if !modules.contains(&module.as_str()) {
                modules.push(module);
            }
        }
        let &[module] = modules.as_slice() else {
            bail!("the wasm file imports from {modules:?}, which have to be one module");
        };
        let exports: HashMap<&str, &str> = (self.exports.iter())
            .map(|(name, short)| (name.as_str(), short.as_str()))
            .collect();

        let mut renamed = String::with_capacity(script.len());
        let mut rest = script;
        while let Some(at) = rest.find(is_of_word) {
            let (before, from) = rest.split_at(at);
            renamed.push_str(before);
            let end = from.find(|c| !is_of_word(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            let short = if renamed.ends_with(EXPORTS_OF) {
                exports.get(word).copied()
            } else if after.starts_with(": ") {
                imports.remove(word)
            } else {
                None
            };
            renamed.push_str(short.unwrap_or(word));
            rest = after;
        }
        renamed.push_str(rest);
        if let Some(missing) = imports.keys().next() {
            bail!("the JavaScript has no function `{missing}`, which the wasm file imports");
        }
        Ok(renamed.replace(&format!("\"{module}\""), &format!("\"{MODULE}\"")))
    }
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{
        "imports": [["./p_bg.js", "__wbg_get_f96702c6245e4ef9", "a"], ["./p_bg.js", "__wbindgen_throw", "b"]],
        "exports": [["memory", "c"], ["invoke__hf96702c6245e4ef0", "d"]]
    }"#;

    #[test]
    fn the_javascript_says_what_the_wasm_file_says() {
        let script = "const memory = wasm.memory.buffer; wasm.invoke__hf96702c6245e4ef0(get);\n\
                      { __wbg_get_f96702c6245e4ef9: function(memory) {}, __wbindgen_throw: throwing };\n\
                      return { \"./p_bg.js\": imports };";
        let renamed = Renamed::parse(PRINTED).unwrap().rename(script).unwrap();
        assert_eq!(
            renamed,
            "const memory = wasm.c.buffer; wasm.d(get);\n\
             { a: function(memory) {}, b: throwing };\n\
             return { \"a\": imports };"
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        let renamed = Renamed::parse(PRINTED).unwrap();
        let error = renamed.rename("{ __wbindgen_throw: 1 }").unwrap_err();
        assert!(error.to_string().contains("__wbg_get_f96"), "{error}");
        assert!(Renamed::parse("wasm-opt 100").is_err());
    }
}
