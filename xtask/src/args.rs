//! The words behind a command's name.

use std::{collections::VecDeque, fmt, str::FromStr};

use anyhow::Result;

/// The words that no one has taken yet.
#[derive(Debug)]
pub(crate) struct Args(VecDeque<String>);

impl Args {
    /// Wraps the words behind the command's name.
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// Takes `--name VALUE` or `--name=VALUE` out, wherever it stands.
    ///
    /// # Errors
    ///
    /// A [`Usage`] when the value is missing or no `T`.
    pub(crate) fn option<T: FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        let is_it = |word: &String| {
            word == name
                || word
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('='))
        };
        let Some(at) = self.0.iter().position(is_it) else {
            return Ok(None);
        };
        let word = self.0.remove(at).unwrap_or_default();
        let value = match word.split_once('=') {
            Some((_, value)) => Some(value.to_owned()),
            None => self.0.remove(at),
        };
        let Some(value) = value else {
            return Err(Usage(format!("`{name}` needs a value")).into());
        };
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Usage(format!("`{value}` is no value for `{name}`")).into()),
        }
    }

    /// Takes the word `name` out, wherever it stands, and says whether it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    /// The first word, which stays.
    pub(crate) fn peek(&self) -> Option<&str> {
        self.0.front().map(String::as_str)
    }

    /// Takes the first word.
    pub(crate) fn word(&mut self) -> Option<String> {
        self.0.pop_front()
    }

    /// Takes all that is left, to be passed on to another program.
    pub(crate) fn rest(self) -> Vec<String> {
        self.0.into()
    }

    /// Confirms that every word was taken.
    ///
    /// # Errors
    ///
    /// A [`Usage`] that names the first word left.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.front() {
            None => Ok(()),
            Some(word) => Err(Usage(format!("`{word}` means nothing here")).into()),
        }
    }
}

/// The command was called in a way it does not know; its usage line is printed with it.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn an_option_is_found_in_both_spellings_and_wherever_it_stands() {
        assert_eq!(args("a --port 80").option("--port").unwrap(), Some(80));
        assert_eq!(args("--port=80 a").option("--port").unwrap(), Some(80));
        assert_eq!(args("--ports 80").option::<u16>("--port").unwrap(), None);
    }

    #[test]
    fn a_flag_is_taken_where_it_stands_and_only_then() {
        let mut args = args("a --quick");
        assert!(args.flag("--quick") && !args.flag("--quick"));
        assert_eq!(args.rest(), ["a"]);
    }

    #[test]
    fn a_value_that_is_missing_or_of_the_wrong_kind_is_a_usage_error() {
        for line in ["--port", "--port x", "--port=", "--port 70000"] {
            let error = args(line).option::<u16>("--port").unwrap_err();
            assert!(error.is::<Usage>(), "{line}: {error}");
        }
    }

    #[test]
    fn a_word_that_no_one_took_is_named() {
        let error = args("surprise").finish().unwrap_err();
        assert_eq!(error.to_string(), "`surprise` means nothing here");
    }
}
