//! Checks that the core needs neither a browser nor a framework. The core must not depend on leptos
//! or on tokio's runtime, not even through another crate. It may use tokio's feature `sync`, whose
//! channels and cells work with any runtime. Development dependencies are not checked.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
};

use anyhow::Result;
use serde_json::Value;

use super::{Violation, layers::CORE};
use crate::workspace::{array, string};

/// The packages that the core must not reach.
const FORBIDDEN: [&str; 2] = ["leptos", RUNTIME];

/// The package that the core may reach if only its feature [`SYNC`] is enabled.
const RUNTIME: &str = "tokio";
const SYNC: &str = "sync";

/// Reports every forbidden package on which the core depends, with the path to it.
pub(crate) fn check(metadata: &Value) -> Result<Vec<Violation>> {
    let mut names = BTreeMap::new();
    let mut without_runtime = BTreeSet::new();
    for package in array(metadata, "packages")? {
        let id = string(package, "id")?;
        names.insert(id, string(package, "name")?);
        if asks_for_sync_alone(package) {
            without_runtime.insert(id);
        }
    }
    let mut edges = BTreeMap::new();
    let nodes = metadata.get("resolve").unwrap_or(&Value::Null);
    for node in array(nodes, "nodes")? {
        let id = string(node, "id")?;
        let mut ids = shipped(node)?;
        if without_runtime.contains(id) {
            ids.retain(|id| names.get(id) != Some(&RUNTIME));
        }
        edges.insert(id, ids);
    }
    let core = names
        .iter()
        .find(|(_, name)| **name == CORE)
        .map(|(id, _)| *id);
    let mut violations = Vec::new();
    for (id, way) in ways(core, &edges) {
        let name = names.get(id).copied().unwrap_or(id);
        if FORBIDDEN.contains(&name) {
            let way: Vec<_> = way
                .iter()
                .map(|id| names.get(id).copied().unwrap_or(id))
                .collect();
            violations.push(Violation {
                path: PathBuf::from(CORE).join("Cargo.toml"),
                line: 1,
                message: format!(
                    "the core depends on {name} ({}): move what needs it to a crate around the core",
                    way.join(" → ")
                ),
            });
        }
    }
    Ok(violations)
}

/// Returns whether a package depends on the runtime only for its channels.
fn asks_for_sync_alone(package: &Value) -> bool {
    let dependencies = array(package, "dependencies").into_iter().flatten();
    let mut named = dependencies
        .filter(|dependency| dependency.get("name").and_then(Value::as_str) == Some(RUNTIME))
        .filter(|dependency| dependency.get("kind").and_then(Value::as_str) != Some("dev"))
        .peekable();
    named.peek().is_some()
        && named.all(|dependency| {
            let features = array(dependency, "features");
            features.is_ok_and(|features| features.iter().all(|feature| feature == SYNC))
        })
}

/// Returns a node's dependencies without development dependencies.
fn shipped(node: &Value) -> Result<Vec<&str>> {
    let mut ids = Vec::new();
    for dependency in array(node, "deps")? {
        let kinds = array(dependency, "dep_kinds")?;
        let is_dev = |kind: &Value| kind.get("kind").and_then(Value::as_str) == Some("dev");
        if !kinds.iter().all(is_dev) {
            ids.push(string(dependency, "pkg")?);
        }
    }
    Ok(ids)
}

/// Returns every reachable package with a shortest path to it.
fn ways<'a>(
    start: Option<&'a str>,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut ways: BTreeMap<_, _> = start.map(|id| (id, vec![id])).into_iter().collect();
    let mut queue: VecDeque<_> = start.into_iter().collect();
    while let Some(id) = queue.pop_front() {
        let way = ways.get(id).cloned().unwrap_or_default();
        for next in edges.get(id).into_iter().flatten() {
            if !ways.contains_key(next) {
                ways.insert(next, way.iter().chain([next]).copied().collect());
                queue.push_back(next);
            }
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(kind: Value) -> Value {
        let dep = |pkg: &str, kind: Value| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
        json!({
            "packages": [
                { "id": "a", "name": CORE },
                { "id": "b", "name": "helper" },
                { "id": "c", "name": "tokio" },
            ],
            "resolve": { "nodes": [
                { "id": "a", "deps": [dep("b", Value::Null)] },
                { "id": "b", "deps": [dep("c", kind)] },
                { "id": "c", "deps": [] },
            ] },
        })
    }

    #[test]
    fn a_forbidden_package_is_found_behind_another_with_the_way_to_it() {
        let violations = check(&metadata(Value::Null)).unwrap();
        assert_eq!(violations.len(), 1);
        let message = &violations[0].message;
        assert!(
            message.contains("leptos-sync-core → helper → tokio"),
            "{message}"
        );
    }

    #[test]
    fn the_channels_of_a_runtime_are_free_and_the_rest_of_it_is_not() {
        let asking = |features: Value| {
            let mut metadata = metadata(Value::Null);
            metadata["packages"][1]["dependencies"] =
                json!([{ "name": "tokio", "kind": null, "features": features }]);
            check(&metadata).unwrap().len()
        };
        assert_eq!(asking(json!(["sync"])), 0);
        assert_eq!(asking(json!(["sync", "rt"])), 1);
    }

    #[test]
    fn a_development_dependency_is_free() {
        assert_eq!(check(&metadata(json!("dev"))).unwrap(), []);
    }
}
