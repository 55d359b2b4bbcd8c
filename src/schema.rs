//! JSON Schemas of the file formats, for editors. Keys come from the lists that the loader knows.

use serde_json::{Map, Value, json};

use crate::config::ENGINE_KEYS;
use crate::divergence::{EVIDENCE, KINDS, TYPES};
use crate::route::ROUTES;
use crate::scenario::{NEEDS, VIEWS};
use crate::suite::{
    DEADLINE_KEYS, DIVERGENCE_KEYS, EXEC_KEYS, MATCHER_KEYS, OBSERVATION_KEYS, RAW_KEYS, REQUEST_KEYS,
    SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS, SUITE_KEYS, TAR_KEYS, UNTIL_END_KEYS, UNTIL_KEYS, WHEN_KEYS,
    WORLD_KEYS,
};

/// `suites/<area>/scenarios/<name>.toml`.
pub fn scenario_schema() -> Value {
    let exec = object(EXEC_KEYS, &["container", "cmd"], &exec_value);
    let step_keys: Vec<&str> = STEP_KEYS
        .iter()
        .chain(REQUEST_KEYS)
        .chain(RAW_KEYS)
        .chain(STREAM_KEYS)
        .chain(&["exec", "join"])
        .copied()
        .collect();
    let step = object(&step_keys, &["id"], &|key| match key {
        "exec" => exec.clone(),
        key => step_value(key),
    });
    root(
        "A scenario: what is asked, in order",
        object(SCENARIO_KEYS, &["title", "steps"], &|key| match key {
            "title" => text("What Docker promises, as one sentence"),
            "page" => text("The docs page it belongs to; default: the area"),
            "command" => text("The Docker CLI command it stands for"),
            "api" => list(text("An API version such as 1.21")),
            "needs" => {
                let words: Vec<&str> = NEEDS.iter().map(|(word, _)| *word).collect();
                json!({"type": "array", "items": {"anyOf": [{"enum": words}, {"type": "string", "pattern": "^image:"}]}})
            }
            "exclusive" => flag("Runs alone, one side after the other"),
            "repetitions" => number("How many times each side runs, paired and interleaved"),
            _ => json!({"type": "array", "minItems": 1, "items": step}),
        }),
    )
}

fn step_value(key: &str) -> Value {
    match key {
        "id" => text("The name of the step: letters, digits and dashes"),
        "request" => text("METHOD /path?query, without version prefix"),
        "raw" => text("Exactly this request line"),
        "stream" => text("METHOD /path?query, read as a stream"),
        "join" => text("The background step that ends here"),
        "capture" => names("Values for later steps: name = pointer into the answer"),
        "names" => names("Values that only get a name in the snapshot"),
        "compare" => list(text("A pointer; default: everything is compared")),
        "view" => {
            let words: Vec<&str> = VIEWS.iter().map(|(word, _)| *word).collect();
            json!({"type": "object", "additionalProperties": {"enum": words},
                "description": "What text becomes: stdout, stderr or body"})
        }
        "headers" => names("Further headers"),
        "json" => text("A JSON body, sent as written"),
        "text" => text("A body of any text"),
        "file" => text("A body from a file below fixtures/"),
        "tar" => list(object(TAR_KEYS, &["path"], &|_| text("Of a tar entry"))),
        "label" => flag("Whether a create request gets the run's label; default true"),
        "until" => object(UNTIL_KEYS, &["at", "is"], &|key| match key {
            "at" => text("The pointer that is looked at"),
            "is" => json!({"description": "The value that ends the wait"}),
            _ => number("For how many seconds"),
        }),
        "background" => flag("Runs on until its join"),
        "stdin" => text("Bytes to send once the stream is open"),
        "close-stdin" => flag("Closes the sending half after stdin"),
        "upgrade" => flag("Asks for an upgrade of the connection"),
        _ => object(UNTIL_END_KEYS, &[], &|_| number("Of the end of a stream")),
    }
}

fn exec_value(key: &str) -> Value {
    match key {
        "cmd" => list(text("A word of the command")),
        "tty" => flag("Whether it gets a terminal"),
        "seconds" => number("How long to read"),
        _ => text("Of an exec"),
    }
}

/// `suites/<area>/divergences/<engine>/<id>.toml`.
pub fn divergence_schema() -> Value {
    let words = |known: Vec<&str>| json!({ "enum": known });
    let matcher = json!({"anyOf": [
        {"type": ["string", "number", "boolean", "array"]},
        {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
         "properties": properties(MATCHER_KEYS, &|key| match key {
            "absent" | "null" => json!({"const": true}),
            "type" => json!({ "enum": TYPES.iter().map(|(word, _)| *word).collect::<Vec<_>>() }),
            "any-of" => json!({"type": "array"}),
            _ => text("Of a matcher"),
         })},
    ]});
    let observation = object(OBSERVATION_KEYS, &["at", "candidate"], &|key| match key {
        "scenario" => text("area/name, where * stands for any text"),
        "on" => json!({"anyOf": [{"const": "*"}, {"enum": ROUTES}]}),
        "at" => text("step/pointer of a scenario, /pointer of a route"),
        _ => matcher.clone(),
    });
    root(
        "A divergence: a known, explained difference",
        object(DIVERGENCE_KEYS, &["title", "kind", "why", "evidence", "observations"], &|key| match key {
            "kind" => words(KINDS.iter().map(|(word, _)| *word).collect()),
            "evidence" => words(EVIDENCE.iter().map(|(word, _)| *word).collect()),
            "why" => text("What a reader of the docs should know, in plain words"),
            "when" => object(WHEN_KEYS, &[], &|_| text("A range such as >=0.3, <0.8")),
            "stops" => flag("The candidate cannot go on: later steps are unreached"),
            "hides" => list(text("A divergence that does not show while this one holds")),
            "review-by" => text("A date; past it, check asks for a review"),
            "observations" => json!({"type": "array", "minItems": 1, "items": observation}),
            _ => text("Of a divergence"),
        }),
    )
}

/// `suites/suite.toml`.
pub fn suite_schema() -> Value {
    let world = object(WORLD_KEYS, &["title", "file"], &|_| text("Of a world"));
    root(
        "Defaults of a suite",
        object(SUITE_KEYS, &["api"], &|key| match key {
            "api" => list(text("An API version such as 1.21")),
            "deadlines" => object(DEADLINE_KEYS, &[], &|_| number("Seconds")),
            _ => json!({"type": "object", "additionalProperties": world}),
        }),
    )
}

/// `engines.toml`.
pub fn engines_schema() -> Value {
    let engine = object(ENGINE_KEYS, &["address"], &|key| match key {
        "address" => text("unix:///path or tcp://host:port"),
        "timeout-factor" => number("By how much its deadlines are longer"),
        "jobs" => number("How many cases it can serve at a time"),
        "images" => names("Its own names of the images that scenarios need"),
        _ => names("The capabilities that it lacks, with the reasons"),
    });
    root(
        "Endpoints",
        object(&["engines"], &[], &|_| json!({"type": "object", "additionalProperties": engine})),
    )
}

fn root(title: &str, mut schema: Value) -> Value {
    if let Value::Object(map) = &mut schema {
        map.shift_insert(0, "$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        map.shift_insert(1, "title".to_owned(), title.into());
    }
    schema
}

fn properties(keys: &[&str], value: &dyn Fn(&str) -> Value) -> Map<String, Value> {
    keys.iter().map(|key| ((*key).to_owned(), value(key))).collect()
}

fn object(keys: &[&str], required: &[&str], value: &dyn Fn(&str) -> Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required,
        "properties": properties(keys, value)})
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn flag(about: &str) -> Value {
    json!({"type": "boolean", "description": about})
}

fn number(about: &str) -> Value {
    json!({"type": "number", "description": about})
}

fn list(of: Value) -> Value {
    json!({"type": "array", "items": of})
}

fn names(about: &str) -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}, "description": about})
}
