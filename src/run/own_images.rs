//! Which images of an engine are a run's own: those that its ledger names, those with its label,
//! those named as it names things, and what was built on these without a name. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What of the answer to `GET /images/json?all=1` is to be removed, names before ids and children
/// before their parents. Of an image that others gave a name to, only the run's own names.
/// What was built on an image without a name counts only where nobody else builds on it: on those
/// with the label, and on the `private` ones. Others may share an image from the engine's cache.
pub fn own_images(
    rows: &[Value],
    label: &str,
    tags: &BTreeSet<&str>,
    noted: &BTreeSet<String>,
    private: &BTreeSet<&str>,
) -> Vec<String> {
    let rows: Vec<Row<'_>> = rows.iter().filter_map(Row::of).collect();
    let is_own_name = |name: &str| noted.contains(name) || tags.iter().any(|tag| is_named_by(name, tag));
    let is_noted = |row: &Row<'_>| noted.iter().any(|id| row.has_id(id));
    let is_labelled = |row: &Row<'_>| row.label(label).is_some_and(|value| tags.contains(value));
    let is_own =
        |row: &&Row<'_>| is_noted(row) || is_labelled(row) || row.names.iter().any(|name| is_own_name(name));
    let is_private = |row: &&Row<'_>| is_labelled(row) || row.names.iter().any(|name| private.contains(name));
    let mut own: BTreeSet<&str> = rows.iter().filter(is_own).map(|row| row.id).collect();
    let mut alone: BTreeSet<&str> = rows.iter().filter(is_private).map(|row| row.id).collect();
    let is_nobodys =
        |row: &&Row<'_>| row.names.is_empty() && row.label(label).is_none_or(|value| tags.contains(value));
    loop {
        let below = rows.iter().filter(|row| alone.contains(row.parent) && !alone.contains(row.id));
        let found: Vec<&str> = below.filter(is_nobodys).map(|row| row.id).collect();
        if found.is_empty() {
            break;
        }
        own.extend(&found);
        alone.extend(found);
    }
    let parents: BTreeMap<&str, &str> = rows.iter().map(|row| (row.id, row.parent)).collect();
    let depth = |row: &&Row<'_>| std::iter::successors(Some(row.id), |id| parents.get(id).copied()).count();
    let mut rows: Vec<&Row<'_>> = rows.iter().filter(|row| own.contains(row.id)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(depth(row)));
    let mut names = Vec::new();
    for row in rows {
        names.extend(row.names.iter().filter(|name| is_own_name(name)).map(|name| (*name).to_owned()));
        if row.names.iter().all(|name| is_own_name(name)) {
            names.push(row.id.to_owned());
        }
    }
    names
}

/// Whether a name, or its last part behind a registry, is one that a case with this tag gives.
pub fn is_named_by(name: &str, tag: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    !tag.is_empty()
        && last.strip_prefix(tag).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ':']))
}

struct Row<'v> {
    whole: &'v Value,
    id: &'v str,
    parent: &'v str,
    names: Vec<&'v str>,
}

impl<'v> Row<'v> {
    fn of(whole: &'v Value) -> Option<Row<'v>> {
        let names = whole["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Some(Row {
            whole,
            id: whole["Id"].as_str()?,
            // An image from scratch has none, which is nobody's id.
            parent: whole["ParentId"].as_str().filter(|parent| !parent.is_empty()).unwrap_or("none"),
            names: names.filter(|name| !name.contains("<none>")).collect(),
        })
    }

    fn label(&self, label: &str) -> Option<&'v str> {
        self.whole["Labels"][label].as_str().filter(|value| !value.is_empty())
    }

    /// Ids are noted whole or by their first twelve digits.
    fn has_id(&self, id: &str) -> bool {
        let digits = |id: &'v str| id.strip_prefix("sha256:").unwrap_or(id);
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        id.len() >= 12 && digits(self.id).starts_with(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_the_runs_own_goes_and_children_go_first() {
        let id = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let row = |letter: &str, parent: &str, names: &[&str], label: Option<&str>| {
            let parent = if parent.is_empty() { String::new() } else { id(parent) };
            json!({"Id": id(letter), "ParentId": parent, "RepoTags": names, "Labels": label.map(|label| json!({"our": label}))})
        };
        let rows = [
            row("a", "", &["divergence-x1-busybox:latest"], None),
            row("b", "a", &["<none>:<none>"], None),
            row("c", "b", &["<none>:<none>"], None),
            row("d", "b", &["somebody:1"], None),
            row("e", "", &["localhost:5000/dv-x1-7r-loaded:1"], None),
            row("f", "", &["<none>:<none>"], Some("dv-x1-7r")),
            row("1", "", &["<none>:<none>"], Some("dv-x1-70r")),
            row("2", "", &["dv-x1-7rr-web:1", "dv-x1"], None),
            row("3", "", &["<none>:<none>"], None),
            row("4", "", &["dv-x1-7r:1", "theirs:1"], Some("dv-x1-7r")),
            row("5", "3", &["<none>:<none>"], None),
            row("6", "f", &["<none>:<none>"], None),
            row("7", "f", &["<none>:<none>"], Some("dv-x1-70r")),
        ];
        let noted = BTreeSet::from(["divergence-x1-busybox:latest".to_owned(), "333333333333".to_owned()]);
        let private = BTreeSet::from(["divergence-x1-busybox:latest"]);
        let found = own_images(&rows, "our", &BTreeSet::from(["dv-x1-7r", ""]), &noted, &private);
        let expected = [
            id("c"),
            id("b"),
            id("6"),
            "divergence-x1-busybox:latest".to_owned(),
            id("a"),
            "localhost:5000/dv-x1-7r-loaded:1".to_owned(),
            id("e"),
            id("f"),
            id("3"),
            "dv-x1-7r:1".to_owned(),
        ];
        assert_eq!(found, expected);
    }
}
