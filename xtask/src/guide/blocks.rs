//! The fenced blocks of a guide, and how to process each of them.

use anyhow::{Result, bail};

/// The action for a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Run it as a shell script.
    Run(String),
    /// Write it to a file, or add it to the file's end.
    Write {
        file: String,
        append: bool,
        text: String,
    },
    /// Build the page with trunk, or do the same steps without trunk.
    Trunk(String),
    /// Build the server, which a test starts.
    Serve,
}

/// Finds the blocks of a page, in order. Omits blocks that are only for readers.
///
/// # Errors
///
/// If a block does not end, or its first line names no known action.
pub(super) fn parse(markdown: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let mut text = String::new();
        loop {
            match lines.next() {
                Some("```") => break,
                Some(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
                None => bail!("the block ```{info} does not end"),
            }
        }
        blocks.extend(block(info, text)?);
    }
    Ok(blocks)
}

fn block(info: &str, text: String) -> Result<Option<Block>> {
    let mut words = info.split_whitespace();
    let language = words.next().unwrap_or_default();
    let words: Vec<_> = words.collect();
    let file = words.iter().find_map(|word| word.strip_prefix("file="));
    if let Some(file) = file {
        return Ok(Some(Block::Write {
            file: file.to_owned(),
            append: words.contains(&"append"),
            text,
        }));
    }
    Ok(match (language, words.as_slice()) {
        ("sh", []) => Some(Block::Run(text)),
        ("sh", ["trunk"]) => Some(Block::Trunk(text)),
        ("sh", ["serve"]) => Some(Block::Serve),
        ("sh", ["install"]) => None,
        ("sh", other) => bail!("a block of the guide says {other:?}; see the comment at its top"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_say_what_to_do_with_them() {
        let page = "text\n```sh\ncargo new app\n```\n```toml file=Cargo.toml append\n[workspace]\n```\n\
                    ```sh install\ncargo install trunk\n```\n```sh serve\ncargo run\n```\n```rust\nfn f() {}\n```\n";
        let expected = [
            Block::Run("cargo new app\n".to_owned()),
            Block::Write {
                file: "Cargo.toml".to_owned(),
                append: true,
                text: "[workspace]\n".to_owned(),
            },
            Block::Serve,
        ];
        assert_eq!(parse(page).unwrap(), expected);
    }

    #[test]
    fn a_block_that_says_something_unknown_is_an_error() {
        assert!(parse("```sh trnk\ntrunk build\n```\n").is_err());
        assert!(parse("```sh\ncargo new app\n").is_err());
    }
}
