use leptos_sync_core::sync::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::{
    patterns::{self, Patterns},
    rejection,
};
use crate::{limits, relay::Denied};

/// The permissions of a token: patterns of documents, ordered by descending permission.
pub(super) struct Grants(Box<[(Box<str>, Permission)]>);

/// The claim of a token.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Claim {
    read: Vec<String>,
    write: Vec<String>,
}

impl Grants {
    /// Reads the permissions of a claim. Without a claim, there are none.
    pub(super) fn of(name: &str, claim: Option<&Value>) -> Result<Self, Denied> {
        let claim = match claim {
            Some(claim) => Claim::deserialize(claim)
                .map_err(|error| denied(name, format_args!("claim cannot be read: {error}")))?,
            None => Claim::default(),
        };
        let all = [
            (claim.write, Permission::Write),
            (claim.read, Permission::Read),
        ];
        let all = all.into_iter().flat_map(|(list, permission)| {
            list.into_iter()
                .map(move |entry| (entry.into_boxed_str(), permission))
        });
        let mut granted = Vec::new();
        for (pattern, permission) in all {
            if granted.len() == limits::GRANTS || pattern.len() > limits::NAME_BYTES {
                let (many, long) = (limits::GRANTS, limits::NAME_BYTES);
                let text = format_args!(
                    "claim has more than {many} entries, or one of more than {long} bytes"
                );
                return Err(denied(name, text));
            }
            patterns::check(&pattern).map_err(|error| {
                denied(name, format_args!("claim has an invalid pattern: {error}"))
            })?;
            granted.push((pattern, permission));
        }
        Ok(Self(granted.into()))
    }

    /// Returns the greatest permission for a document that a pattern grants.
    pub(super) fn permission(&self, document: &str, patterns: &Patterns) -> Option<Permission> {
        let first = self
            .0
            .iter()
            .find(|(pattern, _)| patterns.matches(pattern, document));
        first.map(|(_, permission)| *permission)
    }
}

fn denied(name: &str, text: std::fmt::Arguments<'_>) -> Denied {
    rejection::denied(format_args!("the token's `{name}` {text}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn granted(claim: Value, document: &str) -> Option<Permission> {
        let grants = Grants::of("documents", Some(&claim));
        grants
            .map_err(|denied| panic!("{denied:?}"))
            .unwrap()
            .permission(document, &Patterns::new())
    }

    #[test]
    fn the_greatest_permission_of_all_matching_patterns_counts() {
        let claim = json!({
            "read": ["**"], "write": ["ada/*", "plans", "\\[x\\]", "{a,b}c"]
        });
        for (document, permission) in [
            ("plans", Permission::Write),
            ("plans2", Permission::Read),
            ("old/plans", Permission::Read),
            ("ada/notes", Permission::Write),
            ("ada/notes/old", Permission::Read),
            ("ada/own", Permission::Write),
            ("[x]", Permission::Write),
            ("x", Permission::Read),
            ("bc", Permission::Write),
            ("", Permission::Read),
        ] {
            assert_eq!(
                granted(claim.clone(), document),
                Some(permission),
                "{document}"
            );
        }
    }

    #[test]
    fn documents_that_no_entry_matches_are_denied() {
        for claim in [json!({}), json!({ "write": ["ada/*"], "read": ["a?b"] })] {
            for document in ["", "ada", "ada/", "ada/x/y", "bob/x", "a/b", "Ada/x"] {
                let slash = document == "ada/" && claim != json!({});
                assert_eq!(
                    granted(claim.clone(), document),
                    slash.then_some(Permission::Write),
                    "{document}"
                );
            }
        }
        let nothing = Grants::of("documents", None).ok().unwrap();
        assert_eq!(nothing.permission("x", &Patterns::new()), None);
    }

    #[test]
    fn a_malformed_or_too_large_claim_is_denied() {
        let many = vec!["x"; limits::GRANTS + 1];
        let long = "x".repeat(limits::NAME_BYTES + 1);
        for claim in [
            json!(["x"]),
            json!({ "write": "x" }),
            json!({ "wirte": ["x"] }),
            json!({ "write": [1] }),
            json!({ "write": ["[x"] }),
            json!({ "write": many }),
            json!({ "read": [long] }),
            Value::Null,
        ] {
            let denied = Grants::of("documents", Some(&claim)).err().unwrap();
            assert!(denied.text.contains("`documents`"), "{claim}: {denied:?}");
        }
        let most = json!({ "read": vec!["x"; limits::GRANTS] });
        assert_eq!(granted(most, "x"), Some(Permission::Read));
    }
}
