//! The schemas have the loader's keys, describe all of them, and accept what the loader accepts.

use regex::Regex;
use serde_json::{Value, json};
use toml_edit::{Document, Item};

use super::{
    ACTION_KEYS, DEADLINE_KEYS, DIVERGENCE_KEYS, ENGINE_KEYS, EXEC_KEYS, MATCHER_KEYS, OBSERVATION_KEYS,
    RAW_KEYS, REQUEST_KEYS, SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS, SUITE_KEYS, TAR_KEYS, UNTIL_END_KEYS,
    UNTIL_KEYS, VIEW_KEYS, WHEN_KEYS, WORLD_KEYS, divergence_schema, engines_schema, scenario_schema,
    step_keys, suite_schema,
};
use crate::suite::tests::{GOOD, KNOWN, SUITE};

const ENGINES: &str = r#"
[engines.dc]
address = "tcp://127.0.0.1:2376"
timeout-factor = 3
jobs = 2
budget = 20
images = { busybox = "busybox:1.36" }
registry = "10.0.0.9:5000"
lacks = { registry = "there is none" }
certificates = "~/.sdc/docker/admin"
verify = false
api = ["1.21"]
label = "com.example.run"
name-prefix = "ci-"
"#;

const STEPS: &str = "/properties/steps/items";

#[test]
fn the_properties_are_the_keys_that_the_loader_knows() {
    let (scenario, divergence) = (scenario_schema(), divergence_schema());
    let (suite, engines) = (suite_schema(), engines_schema());
    let step = |key: &str| format!("{STEPS}/properties/{key}");
    let observation = "/properties/observations/items";
    let table: [(&Value, String, Vec<&str>); 15] = [
        (&scenario, String::new(), SCENARIO_KEYS.to_vec()),
        (&scenario, STEPS.to_owned(), step_keys()),
        (&scenario, step("exec"), EXEC_KEYS.to_vec()),
        (&scenario, step("view"), VIEW_KEYS.to_vec()),
        (&scenario, step("until"), UNTIL_KEYS.to_vec()),
        (&scenario, step("until-end"), UNTIL_END_KEYS.to_vec()),
        (&scenario, step("tar") + "/items", TAR_KEYS.to_vec()),
        (&divergence, String::new(), DIVERGENCE_KEYS.to_vec()),
        (&divergence, "/properties/when".to_owned(), WHEN_KEYS.to_vec()),
        (&divergence, observation.to_owned(), OBSERVATION_KEYS.to_vec()),
        (&divergence, format!("{observation}/properties/candidate/anyOf/1"), MATCHER_KEYS.to_vec()),
        (&suite, String::new(), SUITE_KEYS.to_vec()),
        (&suite, "/properties/deadlines".to_owned(), DEADLINE_KEYS.to_vec()),
        (&suite, "/properties/worlds/additionalProperties".to_owned(), WORLD_KEYS.to_vec()),
        (&engines, "/properties/engines/additionalProperties".to_owned(), ENGINE_KEYS.to_vec()),
    ];
    for (schema, at, keys) in table {
        let object = schema.pointer(&at).unwrap_or_else(|| panic!("nothing at {at}"));
        let properties = object["properties"].as_object().unwrap();
        assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), keys, "{at}");
        assert_eq!(object["additionalProperties"], json!(false), "{at}");
        for (key, value) in properties {
            assert!(value["description"].is_string(), "{at}: `{key}` is not described");
        }
    }
    for key in [STEP_KEYS, ACTION_KEYS, REQUEST_KEYS, RAW_KEYS, STREAM_KEYS].concat() {
        assert!(step_keys().contains(&key), "{key}");
    }
}

#[test]
fn what_loads_is_valid() {
    let table = [
        (scenario_schema(), GOOD),
        (divergence_schema(), KNOWN),
        (suite_schema(), SUITE),
        (engines_schema(), ENGINES),
    ];
    for (schema, text) in table {
        assert_eq!(complaint(&schema, &json_of(text), ""), None);
        assert!(schema["title"].is_string() && schema["description"].is_string());
    }
}

#[test]
fn what_an_editor_can_see_is_told() {
    let table = [
        (scenario_schema(), GOOD, "title", "titel", " has no property `titel`"),
        (scenario_schema(), GOOD, "\"image:busybox\"", "\"docker\"", "/needs/0 fits none of them"),
        (scenario_schema(), GOOD, "\"files\"", "\"filez\"", "/steps/2/view/stdout is none of the words"),
        (scenario_schema(), GOOD, "join =", "raw = \"GET /\"\njoin =", "/steps/3 fits 2 of them"),
        (scenario_schema(), GOOD, "frames = 2", "frames = 0", "/steps/1/until-end/frames is too small"),
        (divergence_schema(), KNOWN, "omission", "omision", "/kind is none of the words"),
        (divergence_schema(), KNOWN, "2027-06-01", "\"soon\"", "/review-by has another form"),
        (divergence_schema(), KNOWN, "any-of =", "any_of =", "/observations/1/candidate fits none of them"),
        (divergence_schema(), KNOWN, "on =", "scenario = \"a/b\"\non =", "/observations/1 fits 2 of them"),
        (suite_schema(), SUITE, "until = 15", "until = \"15\"", "/deadlines/until is no integer"),
    ];
    for (schema, text, old, new, expected) in table {
        let found = complaint(&schema, &json_of(&text.replacen(old, new, 1)), "");
        assert_eq!(found.as_deref(), Some(expected), "{new}");
    }
}

/// What an editor makes of a file: dates become texts.
fn json_of(text: &str) -> Value {
    json_of_item(Document::parse(text).unwrap().as_item())
}

fn json_of_item(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        table.iter().map(|(key, item)| (key.to_owned(), json_of_item(item))).collect()
    } else if let Some(tables) = item.as_array_of_tables() {
        tables.iter().map(|table| json_of_item(&Item::Table(table.clone()))).collect()
    } else if let Some(list) = item.as_array() {
        list.iter().map(|value| json_of_item(&Item::Value(value.clone()))).collect()
    } else if let Some(date) = item.as_datetime() {
        date.to_string().into()
    } else {
        let number = item.as_integer().map(Value::from).or(item.as_float().map(Value::from));
        number.or(item.as_bool().map(Value::from)).or(item.as_str().map(Value::from)).unwrap()
    }
}

/// The first thing that does not fit, as far as these schemas use the language of schemas.
fn complaint(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let kind = |name: &str| match name {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    let fitting = |all: &Value| {
        let all = all.as_array().unwrap();
        all.iter().filter(|one| complaint(one, value, at).is_none()).count()
    };
    for (word, told) in schema.as_object().unwrap() {
        let said = match (word.as_str(), told) {
            ("type", Value::String(name)) => (!kind(name)).then(|| format!("is no {name}")),
            ("type", names) => {
                let fits = names.as_array().unwrap().iter().any(|name| kind(name.as_str().unwrap()));
                (!fits).then(|| "is of no such type".to_owned())
            }
            ("enum", words) => {
                (!words.as_array().unwrap().contains(value)).then(|| "is none of the words".to_owned())
            }
            ("const", only) => (only != value).then(|| format!("is not {only}")),
            ("pattern", pattern) => value.as_str().and_then(|text| {
                let fits = Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text);
                (!fits).then(|| "has another form".to_owned())
            }),
            ("minimum", least) => (value.as_i64() < least.as_i64()).then(|| "is too small".to_owned()),
            ("exclusiveMinimum", least) => {
                (value.as_f64() <= least.as_f64()).then(|| "is too small".to_owned())
            }
            ("minItems" | "minProperties", least) => {
                (length(value) < least.as_u64()).then(|| "is too short".to_owned())
            }
            ("maxProperties", most) => (length(value) > most.as_u64()).then(|| "is too long".to_owned()),
            ("anyOf", all) => (fitting(all) == 0).then(|| "fits none of them".to_owned()),
            ("oneOf", all) => match fitting(all) {
                1 => None,
                0 => Some("fits none of them".to_owned()),
                count => Some(format!("fits {count} of them")),
            },
            ("required", keys) => {
                let missing =
                    keys.as_array().unwrap().iter().find(|key| value.get(key.as_str().unwrap()).is_none());
                missing.map(|key| format!("lacks {key}"))
            }
            ("items", one) => {
                let mut list = value.as_array().into_iter().flatten().enumerate();
                list.find_map(|(n, each)| complaint(one, each, &format!("{at}/{n}")))
            }
            ("properties", properties) => {
                let pairs = value.as_object().into_iter().flatten();
                let mut known = pairs.filter_map(|(key, each)| Some((key, properties.get(key)?, each)));
                known.find_map(|(key, one, each)| complaint(one, each, &format!("{at}/{key}")))
            }
            ("additionalProperties", other) => {
                let known = schema.get("properties");
                let mut pairs = value.as_object().into_iter().flatten();
                pairs.find_map(|(key, each)| match known.is_some_and(|known| known.get(key).is_some()) {
                    true => None,
                    false if other == &json!(false) => Some(format!("has no property `{key}`")),
                    false => complaint(other, each, &format!("{at}/{key}")),
                })
            }
            ("title" | "description" | "$schema", _) => None,
            (other, _) => panic!("this test does not know `{other}`"),
        };
        if let Some(said) = said {
            return Some(if said.starts_with('/') { said } else { format!("{at} {said}") });
        }
    }
    None
}

fn length(value: &Value) -> Option<u64> {
    let length = value.as_array().map(Vec::len).or(value.as_object().map(serde_json::Map::len))?;
    u64::try_from(length).ok()
}
