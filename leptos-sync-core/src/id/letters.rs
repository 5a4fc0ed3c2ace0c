use std::fmt::{self, Write as _};

use crate::error::Error;

/// The text form of a 64-bit number: 13 characters of the lowercase base32 alphabet of RFC 4648,
/// without padding.
///
/// The first character holds four bits, so it is one of `a` to `p`. The text can start an HTML id
/// or a CSS selector, and needs no escaping in a URL. The text forms do not sort like the numbers.
#[derive(Clone, Copy)]
pub(crate) struct Letters(pub(crate) u64);

impl Letters {
    /// The number of characters.
    pub(crate) const LENGTH: usize = 13;

    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

    /// Parses the text that `Display` writes, and no other.
    pub(crate) fn parse(text: &str) -> Option<u64> {
        let mut number = 0_u64;
        for byte in text.bytes() {
            let digit = Self::ALPHABET.iter().position(|&letter| letter == byte)?;
            number = number.checked_mul(32)? | digit as u64;
        }
        (text.len() == Self::LENGTH).then_some(number)
    }

    /// Splits text at its first hyphen and parses the number before it.
    pub(crate) fn parse_first(text: &str) -> Option<(u64, &str)> {
        let (first, rest) = text.split_once('-')?;
        Some((Self::parse(first)?, rest))
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for at in (0..Self::LENGTH).rev() {
            let digit = (self.0 >> (5 * at)) as usize & 31;
            let letter = Self::ALPHABET.get(digit).copied().unwrap_or_default();
            f.write_char(char::from(letter))?;
        }
        Ok(())
    }
}

/// Creates the error for text that is not the text form of a `what`. `example` is a valid one.
#[cold]
pub(crate) fn not_a(what: &str, text: &str, example: &str) -> Error {
    let start = text.chars().take(40).collect::<String>();
    Error::value(format!(
        "{start:?} is not a {what}; a valid one is {example:?}"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_round_trips_and_begins_with_a_letter(number: u64) {
            let text = Letters(number).to_string();
            prop_assert_eq!(text.len(), Letters::LENGTH);
            prop_assert!(text.starts_with(|first: char| first.is_ascii_lowercase()));
            prop_assert_eq!(Letters::parse(&text), Some(number));
        }

        #[test]
        fn text_that_parses_is_the_text_form_of_its_number(text in "[a-z0-9A-Z-]{0,15}|[a-z2-7]{13}") {
            if let Some(number) = Letters::parse(&text) {
                prop_assert_eq!(Letters(number).to_string(), text);
            }
        }
    }
}
