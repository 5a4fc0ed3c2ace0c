//! The names of the functions that a page's wasm and its JavaScript share.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Hex digits of a hash, which wasm-bindgen puts at the end of a name.
const DIGITS: usize = 16;

/// Numbers the names of a page. What tells them apart is a hash, which cannot be compressed; a number can, and takes 3 KB
/// off the todo example. A number is written in as many digits, so nothing in a file moves.
pub(crate) fn number(js: &Path, wasm: &Path) -> Result<()> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (mut script, mut code) = (read(js)?, read(wasm)?);
    let mut hashes: Vec<Vec<u8>> = Vec::new();
    for at in places(&script) {
        let hash = &script[at..at + DIGITS];
        if !hashes.iter().any(|known| known == hash) {
            hashes.push(hash.to_vec());
        }
    }
    for file in [&mut script, &mut code] {
        for at in places(file) {
            let place = &mut file[at..at + DIGITS];
            if let Some(number) = hashes.iter().position(|hash| hash == place) {
                place.copy_from_slice(format!("{number:0DIGITS$x}").as_bytes());
            }
        }
    }
    let write = |path: &Path, bytes| {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(js, script)?;
    write(wasm, code)
}

/// Where in a file there are hashes: behind `_` or `_h`.
fn places(file: &[u8]) -> Vec<usize> {
    let is_hash = |at: &usize| {
        let before = &file[..*at];
        let is_name = before.ends_with(b"_") || before.ends_with(b"_h");
        let hash = file.get(*at..at + DIGITS);
        is_name && hash.is_some_and(|hash| hash.iter().all(u8::is_ascii_hexdigit))
    };
    (0..file.len()).filter(is_hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_have_the_same_numbers_and_keep_their_length() {
        let dir = tempfile::tempdir().unwrap();
        let (js, wasm) = (dir.path().join("a.js"), dir.path().join("a.wasm"));
        let script = "__wbg_get_f96702c6245e4ef9: x, __wbg_set_00aa02c6245e4e01: y, invoke__hf96702c6245e4ef0()";
        fs::write(&js, script).unwrap();
        let code =
            b"\0\x1a__wbg_set_00aa02c6245e4e01\x02__wbg_get_f96702c6245e4ef9\xff_0123456789abcdef";
        fs::write(&wasm, code).unwrap();
        number(&js, &wasm).unwrap();
        let numbered = "__wbg_get_0000000000000000: x, __wbg_set_0000000000000001: y, invoke__h0000000000000002()";
        assert_eq!(fs::read_to_string(&js).unwrap(), numbered);
        let numbered =
            b"\0\x1a__wbg_set_0000000000000001\x02__wbg_get_0000000000000000\xff_0123456789abcdef";
        assert_eq!(fs::read(&wasm).unwrap(), numbered, "what is no name stays");
    }
}
