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
    /// Run it with a tool that takes long to compile, or do what is possible without the tool.
    Tool(String),
    /// Build the server, which a test starts.
    Serve,
}

/// Finds the blocks of a page, in order. Omits blocks that are only for readers, and the sections
/// whose headings are in `skip`.
///
/// # Errors
///
/// If a block does not end, or its first line names no known action.
pub(super) fn parse(markdown: &str, skip: &[&str]) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut skipping = false;
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            skipping = skip.contains(&heading);
        }
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
        let block = block(info, text)?;
        blocks.extend(block.filter(|_| !skipping));
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
        ("sh", ["tool"]) => Some(Block::Tool(text)),
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
        assert_eq!(parse(page, &[]).unwrap(), expected);
    }

    #[test]
    fn a_skipped_section_ends_at_the_next_heading() {
        let page = "```sh\na\n```\n## One\n```sh\n## no heading\n```\n### Part\n```sh\nb\n```\n## Two\n```sh\nc\n```\n";
        let expected = ["a\n", "c\n"].map(|script| Block::Run(script.to_owned()));
        assert_eq!(parse(page, &["One"]).unwrap(), expected);
    }

    #[test]
    fn a_block_that_says_something_unknown_is_an_error() {
        assert!(parse("```sh trnk\ntrunk build\n```\n", &[]).is_err());
        assert!(parse("```sh\ncargo new app\n", &[]).is_err());
    }
}
