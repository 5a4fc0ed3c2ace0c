//! The names of the functions that a page's wasm and its JavaScript share.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Hex digits of a hash, which wasm-bindgen puts at the end of a name.
const DIGITS: usize = 16;

/// Numbers the names of a page. They tell nobody anything there, and what tells them apart is a hash, which cannot be
/// compressed; a number can, and takes 4 KB off the todo example. A number is written as long as the name, so nothing in a
/// file moves.
pub(crate) fn number(js: &Path, wasm: &Path) -> Result<()> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (mut script, mut code) = (read(js)?, read(wasm)?);
    let mut names: Vec<Vec<u8>> = Vec::new();
    for name in names_in(&mut script) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_vec());
        }
    }
    for name in names_in(&mut script).chain(names_in(&mut code)) {
        // In wasm a byte that happens to be a letter may stand before it.
        let mut known = names.iter().enumerate();
        if let Some((number, known)) = known.find(|(_, known)| name.ends_with(known)) {
            let digits = known.len() - 1;
            let before = name.len() - known.len();
            if let Some(place) = name.get_mut(before..) {
                place.copy_from_slice(format!("_{number:0digits$}").as_bytes());
            }
        }
    }
    let write = |path: &Path, bytes| {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(js, script)?;
    write(wasm, code)
}

/// The words of a file that end with a hash, behind `_` or `_h`.
fn names_in(file: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let words = file.split_mut(move |byte| !is_letter(byte));
    words.filter(|word| {
        word.split_last_chunk::<DIGITS>()
            .is_some_and(|(name, hash)| {
                let is_name = name.ends_with(b"_") || name.ends_with(b"_h");
                is_name && hash.iter().all(u8::is_ascii_hexdigit)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_have_the_same_numbers_and_keep_their_length() {
        let dir = tempfile::tempdir().unwrap();
        let (js, wasm) = (dir.path().join("a.js"), dir.path().join("a.wasm"));
        let script =
            "__wbg_get_f96702c6245e4ef9: x, set_00aa02c6245e4e01: y, invoke__hf96702c6245e4ef0()";
        fs::write(&js, script).unwrap();
        let code =
            b"\0\x1aset_00aa02c6245e4e01\x02\x41__wbg_get_f96702c6245e4ef9\xff_0123456789abcdef";
        fs::write(&wasm, code).unwrap();
        number(&js, &wasm).unwrap();
        let numbered =
            "_0000000000000000000000000: x, _0000000000000000001: y, _000000000000000000000002()";
        assert_eq!(fs::read_to_string(&js).unwrap(), numbered);
        let numbered =
            b"\0\x1a_0000000000000000001\x02\x41_0000000000000000000000000\xff_0123456789abcdef";
        assert_eq!(fs::read(&wasm).unwrap(), numbered, "what is no name stays");
    }
}
