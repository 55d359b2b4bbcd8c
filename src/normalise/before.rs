//! What an engine had before a case that looks at the whole host is no part of what it made.

use serde_json::Value;

use crate::exchange::{Before, WHOLE_LISTS};
use crate::pointer::Pointer;
use crate::scenario::RUN_LABEL;
use crate::snapshot::Part;

use super::rules::find_mut;

/// Takes out of whole lists what was there before, and what other runs make meanwhile.
pub fn subtract(part: &mut Part, before: &Before) {
    let asked = part.route.as_ref().map_or("", |route| route.as_str());
    let Some((_, _, list, key)) = WHOLE_LISTS.iter().find(|(route, ..)| *route == asked) else { return };
    let Some(old) = before.lists.get(asked) else { return };
    let is_old = |entry: &Value| entry[*key].as_str().is_some_and(|name| old.contains(name));
    let is_of_another =
        |entry: &Value| entry["Labels"][RUN_LABEL].as_str().is_some_and(|tag| tag != before.tag);
    if let Some(Value::Array(entries)) = at(&mut part.tree, &format!("/body/json{list}")) {
        entries.retain(|entry| !is_old(entry) && !is_of_another(entry));
    }
}

/// The counters of `GET /info`, less what was counted before.
pub fn counters(part: &Part, before: &Before) -> Vec<(String, Value)> {
    if part.route.as_ref().is_none_or(|route| route.as_str() != "GET /info") {
        return Vec::new();
    }
    let less = |(field, had): (&String, &u64)| {
        let has = part.tree["body"]["json"][field].as_u64()?;
        Some((field.clone(), has.saturating_sub(*had).into()))
    };
    before.counters.iter().filter_map(less).collect()
}

/// Puts counters where the rules hid them: of a case that runs alone they are not volatile.
pub fn put_counters(part: &mut Part, counters: Vec<(String, Value)>) {
    for (field, count) in counters {
        part.tree["body"]["json"][field] = count;
    }
}

fn at<'t>(tree: &'t mut Value, place: &str) -> Option<&'t mut Value> {
    let place: Pointer = place.split('/').skip(1).map(str::to_owned).collect();
    find_mut(tree, &place)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::route::Route;

    fn part(route: &str, body: Value) -> Part {
        let tree = json!({"status": 200, "body": {"json": body}});
        Part { name: String::new(), route: Route::named(route), request: String::new(), tree }
    }

    fn before() -> Before {
        Before {
            lists: [
                ("GET /containers/json".to_owned(), ["old".to_owned()].into()),
                ("GET /volumes".to_owned(), ["vol".to_owned()].into()),
            ]
            .into(),
            tag: "dv-1".to_owned(),
            counters: [("Containers".to_owned(), 3)].into(),
        }
    }

    #[test]
    fn lists_lose_what_was_there_before() {
        let mut containers = part("GET /containers/json", json!([{"Id": "old"}, {"Id": "new"}]));
        subtract(&mut containers, &before());
        assert_eq!(containers.tree["body"]["json"], json!([{"Id": "new"}]));
        let other =
            json!([{"Id": "x", "Labels": {RUN_LABEL: "dv-2"}}, {"Id": "y", "Labels": {RUN_LABEL: "dv-1"}}]);
        let mut containers = part("GET /containers/json", other);
        subtract(&mut containers, &before());
        assert_eq!(containers.tree["body"]["json"], json!([{"Id": "y", "Labels": {RUN_LABEL: "dv-1"}}]));
        let mut volumes = part("GET /volumes", json!({"Volumes": [{"Name": "vol"}], "Warnings": null}));
        subtract(&mut volumes, &before());
        assert_eq!(volumes.tree["body"]["json"], json!({"Volumes": [], "Warnings": null}));
    }

    #[test]
    fn counters_lose_what_was_counted_before() {
        let mut info = part("GET /info", json!({"Containers": 5, "NCPU": 2}));
        let counted = counters(&info, &before());
        put_counters(&mut info, counted);
        assert_eq!(info.tree["body"]["json"], json!({"Containers": 2, "NCPU": 2}));
    }

    #[test]
    fn a_single_thing_is_no_list() {
        let mut inspect = part("GET /containers/*/json", json!({"Id": "old"}));
        let untouched = inspect.tree.clone();
        subtract(&mut inspect, &before());
        assert_eq!(inspect.tree, untouched);
    }
}
