use leptos_sync_core::sync::Permission;
use serde::Deserialize;
use serde_json::Value;

use super::patterns::{self, Patterns};
use crate::{limits, relay::Denied};

/// What a token permits: patterns of documents, those first that permit most.
pub(super) struct Grants(Box<[(Box<str>, Permission)]>);

/// The claim as it is written.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Listed {
    read: Vec<String>,
    write: Vec<String>,
}

impl Grants {
    /// Those of a claim; without one, nothing is granted.
    pub(super) fn of(name: &str, claim: Option<&Value>) -> Result<Self, Denied> {
        let listed = match claim {
            Some(claim) => Listed::deserialize(claim)
                .map_err(|error| denied(name, format_args!("is not as it should be: {error}")))?,
            None => Listed::default(),
        };
        let all = [
            (listed.write, Permission::Write),
            (listed.read, Permission::Read),
        ];
        let all = all.into_iter().flat_map(|(list, permission)| {
            list.into_iter()
                .map(move |entry| (entry.into_boxed_str(), permission))
        });
        let mut granted = Vec::new();
        for (pattern, permission) in all {
            if granted.len() == limits::GRANTS || pattern.len() > limits::NAME_BYTES {
                let (many, long) = (limits::GRANTS, limits::NAME_BYTES);
                let text =
                    format_args!("has more than {many} entries, or one of more than {long} bytes");
                return Err(denied(name, text));
            }
            patterns::check(&pattern)
                .map_err(|error| denied(name, format_args!("has no good pattern: {error}")))?;
            granted.push((pattern, permission));
        }
        Ok(Self(granted.into()))
    }

    /// The highest permission for a document that any of the patterns gives.
    pub(super) fn permission(&self, document: &str, patterns: &Patterns) -> Option<Permission> {
        let first = self
            .0
            .iter()
            .find(|(pattern, _)| patterns.matches(pattern, document));
        first.map(|(_, permission)| *permission)
    }
}

fn denied(name: &str, text: std::fmt::Arguments<'_>) -> Denied {
    Denied::unauthorized(format!("the token's `{name}` {text}"))
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
    fn a_pattern_matches_as_far_as_it_says_and_the_highest_permission_counts() {
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
    fn what_is_not_named_is_not_granted() {
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
    fn a_claim_of_another_form_or_beyond_the_bounds_is_denied() {
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
