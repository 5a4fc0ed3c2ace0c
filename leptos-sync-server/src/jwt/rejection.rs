use std::fmt::{Display, Write as _};

use jsonwebtoken::errors::ErrorKind;
use serde_json::{Map, Value};

use crate::relay::Denied;

/// Denies a token for a reason that may contain parts of it. Characters that a terminal would not
/// print as they are, such as line ends, are escaped.
pub(super) fn denied(reason: impl Display) -> Denied {
    let mut text = String::new();
    for character in reason.to_string().chars() {
        match character {
            '"' | '\'' | '\\' => text.push(character),
            // Writing to a string does not fail.
            _ => drop(write!(text, "{}", character.escape_debug())),
        }
    }
    Denied::unauthorized(text)
}

/// Returns the reason why a token is rejected, as a sentence for the user. It reveals nothing about
/// the key. `claims` reads the claims of a token whose signature is valid.
pub(super) fn rejection(
    error: &ErrorKind,
    claims: impl FnOnce() -> Option<Map<String, Value>>,
) -> Denied {
    let text = match error {
        ErrorKind::InvalidSignature => {
            "the token is not signed with the key that this relay verifies"
        }
        ErrorKind::InvalidAlgorithm => {
            "the token is signed with an algorithm that this relay does not accept"
        }
        ErrorKind::MissingRequiredClaim(claim) => {
            // The crate reports a claim of the wrong type as missing.
            return match claims().is_some_and(|claims| claims.contains_key(claim)) {
                true => unreadable(claim),
                false => denied(format_args!("the token has no `{claim}`")),
            };
        }
        ErrorKind::InvalidClaimFormat(claim) => return unreadable(claim),
        ErrorKind::Json(error) => {
            return denied(format_args!("{NOT_A_TOKEN}: {error}"));
        }
        ErrorKind::ExpiredSignature => "the credentials have expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet (`nbf`)",
        ErrorKind::InvalidAudience => "the token is for another audience (`aud`)",
        ErrorKind::InvalidIssuer => "the token has another issuer (`iss`)",
        _ => NOT_A_TOKEN,
    };
    denied(text)
}

const NOT_A_TOKEN: &str = "the credentials are not a JSON Web Token that this relay can verify";

fn unreadable(claim: &str) -> Denied {
    let expected = match claim {
        "exp" | "nbf" => "a number of seconds since 1970",
        "sub" => "a string",
        _ => "a string or a list of strings",
    };
    denied(format_args!("the token's `{claim}` must be {expected}"))
}

/// Denies a token with extensions, because this relay supports none (RFC 7515, section 4.1.11).
pub(super) fn extensions(required: &[String]) -> Denied {
    match required {
        [] => denied("the token's `crit` is empty; remove it"),
        [first, ..] => {
            let first: String = first.chars().take(NAME_CHARACTERS).collect();
            denied(format_args!(
                "the token requires {} extensions that this relay does not support (`crit`), such as \
                 {first:?}",
                required.len()
            ))
        }
    }
}

/// The number of characters of an extension's name that are quoted. Registered names are shorter.
const NAME_CHARACTERS: usize = 32;
