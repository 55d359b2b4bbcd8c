//! JSON Schemas of the file formats, for editors. Keys and words come from the lists that the
//! loader knows; a schema says what an editor can check, and the loader says the rest.

use serde_json::{Map, Value, json};

use crate::config::ENGINE_KEYS;
use crate::divergence::{EVIDENCE, KINDS, TYPES};
use crate::route::ROUTES;
use crate::scenario::{NEEDS, VIEWS};
use crate::suite::keys::{
    ACTION_KEYS, CLI_KEYS, DEADLINE_KEYS, DIVERGENCE_KEYS, EXEC_KEYS, MATCHER_KEYS, OBSERVATION_KEYS,
    RAW_KEYS, REQUEST_KEYS, SCENARIO_KEYS, STEP_KEYS, STREAM_KEYS, SUITE_KEYS, TAR_KEYS, UNTIL_END_KEYS,
    UNTIL_KEYS, VIEW_KEYS, WHEN_KEYS, WORLD_KEYS,
};

/// `suites/<area>/scenarios/<name>.toml`.
pub fn scenario_schema() -> Value {
    let about = "What is asked of an engine, in order; never an answer, never an engine's name.";
    root("A scenario", about, object(SCENARIO_KEYS, &["title", "steps"], &scenario_value))
}

fn scenario_value(key: &str) -> Value {
    match key {
        "title" => text("What Docker promises, as one sentence."),
        "page" => text("The docs page it belongs to. Default: the area, which is its folder."),
        "command" => text("The Docker CLI command it stands for, if one."),
        "api" => api("The API versions it runs at. Default: the suite's."),
        "needs" => list(need(), "Capabilities that an engine must have, from a closed list; never engines."),
        "exclusive" => flag("Runs alone, one side after the other: for what looks at the whole host."),
        "repetitions" => {
            number(1, "How many times each side runs, paired and interleaved, so that times can be compared.")
        }
        _ => with(list(step(), "What is done, in order."), "minItems", json!(1)),
    }
}

fn need() -> Value {
    let words: Vec<&str> = NEEDS.iter().map(|(word, _)| *word).collect();
    json!({"anyOf": [{ "enum": words }, {"type": "string", "pattern": "^image:."}]})
}

/// All keys of a step, in the order in which the lists of its kinds have them.
fn step_keys() -> Vec<&'static str> {
    let mut keys = STEP_KEYS.to_vec();
    for key in ACTION_KEYS.iter().chain(REQUEST_KEYS).chain(RAW_KEYS).chain(STREAM_KEYS).chain(CLI_KEYS) {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    keys
}

fn step() -> Value {
    let one_action: Vec<Value> = ACTION_KEYS.iter().map(|key| json!({ "required": [key] })).collect();
    with(object(&step_keys(), &["id"], &step_value), "oneOf", Value::Array(one_action))
}

fn step_value(key: &str) -> Value {
    match key {
        "id" => with(text("The name of the step, which places and divergences use."), "pattern", json!(NAME)),
        "request" => line("One request and its whole answer: METHOD /path?query, without version prefix."),
        "raw" => text("Exactly this request line, with any prefix and any path."),
        "stream" => line("A connection whose answer is read as a stream: METHOD /path?query."),
        "cli" => text("A command for the docker CLI, as people type it: docker run --rm ..."),
        "join" => text("The background step that ends here."),
        "exec" => {
            let about = "Create, start, read to the end and inspect an exec.";
            described(object(EXEC_KEYS, &["container", "cmd"], &exec_value), about)
        }
        "capture" => texts("Values for later steps, as in { cid = \"/body/json/Id\" } for ${cid}."),
        "names" => texts("Values that only get a name in the snapshot: name = pointer into the answer."),
        "compare" => {
            list(pointer("A place that counts."), "The places that are compared. Default: everything.")
        }
        "view" => {
            let views: Vec<&str> = VIEWS.iter().map(|(word, _)| *word).collect();
            let viewed =
                |key: &str| json!({"enum": views, "description": format!("How {key} becomes structure.")});
            described(
                object(VIEW_KEYS, &[], &viewed),
                "What text or an archive becomes, so that rows are compared.",
            )
        }
        "headers" => texts("Further headers."),
        "json" => text("A JSON body, sent as written; create requests get the run's label added."),
        "text" => text("A body of any text."),
        "file" => fixture("A body from a file below fixtures/."),
        "tar" => {
            list(object(TAR_KEYS, &["path"], &tar_value), "A body that is a tar archive of these entries.")
        }
        "label" => flag("Whether a create request gets the run's label. Default: true."),
        "until" => {
            let about = "Polls until a value is there; the last exchange is what is compared.";
            described(object(UNTIL_KEYS, &["at", "is"], &until_value), about)
        }
        "background" => flag("Runs on while later steps act, until the step that joins it."),
        "stdin" => text("Bytes to send once the stream is open, or for the standard input of a command."),
        "seconds" => number(0, "For how many seconds a command may run. Default: the suite's deadline."),
        "close-stdin" => flag("Closes the sending half after `stdin`."),
        "upgrade" => {
            flag("Asks for an upgrade of the connection. Default: true to attach and to start an exec.")
        }
        _ => {
            let about = "When a stream has been read: after so many frames, and at the latest after a time.";
            described(object(UNTIL_END_KEYS, &[], &until_end_value), about)
        }
    }
}

fn exec_value(key: &str) -> Value {
    match key {
        "container" => text("The container, as in \"${cid}\"."),
        "cmd" => list(json!({"type": "string"}), "The command and its arguments."),
        "tty" => flag("Whether it gets a terminal. Default: false."),
        "user" => text("The user it runs as."),
        "stdin" => text("Bytes for its standard input."),
        _ => number(0, "For how many seconds it is read at most."),
    }
}

fn tar_value(key: &str) -> Value {
    match key {
        "path" => text("Where it lies in the archive; a directory ends in a slash."),
        "text" => text("Its bytes."),
        "file" => fixture("A file below fixtures/ with its bytes."),
        "link" => text("Makes it a symbolic link to this target."),
        _ => with(text("Permission bits, as in \"0644\"."), "pattern", json!("^[0-7]{3,4}$")),
    }
}

fn until_value(key: &str) -> Value {
    match key {
        "at" => pointer("The place that is looked at."),
        "is" => json!({"description": "The value that ends the wait."}),
        _ => number(0, "For how many seconds. Default: the suite's deadline."),
    }
}

fn until_end_value(key: &str) -> Value {
    match key {
        "frames" => number(1, "After how many frames or messages."),
        _ => number(0, "After how many seconds at the latest. Default: the suite's deadline."),
    }
}

/// `suites/<area>/divergences/<engine>/<id>.toml`.
pub fn divergence_schema() -> Value {
    let needed = ["title", "kind", "why", "evidence", "observations"];
    let about = "A known, explained difference: one root cause, which can explain many observations.";
    root("A divergence", about, object(DIVERGENCE_KEYS, &needed, &divergence_value))
}

fn divergence_value(key: &str) -> Value {
    match key {
        "title" => text("What differs, in a line."),
        "kind" => words(KINDS.iter().map(|(word, _)| *word), "What sort of difference it is."),
        "page" => text("The docs page. Default: the area, which is its folder."),
        "ticket" => text("A ticket, if there is one."),
        "why" => text("What a reader of the docs should know, in plain words."),
        "when" => described(object(WHEN_KEYS, &[], &when_value), "Where it holds. Default: everywhere."),
        "owner" => text("Who looks after it."),
        "review-by" => {
            // Editors hand TOML dates to a schema as texts.
            let about = "The day past which `check` asks for a review, as in 2027-06-01.";
            with(text(about), "pattern", json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        }
        "evidence" => words(
            EVIDENCE.iter().map(|(word, _)| *word),
            "How it is known. What the simulator shows is never evidence.",
        ),
        "stops" => flag("The candidate cannot go on: later steps are unreached, not new differences."),
        "hides" => list(json!({"type": "string"}), "Divergences that do not show while this one holds."),
        _ => {
            let where_: Vec<Value> = ["scenario", "on"].map(|key| json!({ "required": [key] })).to_vec();
            let one = object(OBSERVATION_KEYS, &["at", "candidate"], &observation_value);
            let many =
                list(with(one, "oneOf", Value::Array(where_)), "What each side answers, place by place.");
            with(many, "minItems", json!(1))
        }
    }
}

fn when_value(key: &str) -> Value {
    match key {
        "release" => range("Releases of the candidate, as in \">=0.1, <0.8\"."),
        "api" => range("API versions, as in \">=1.20\"."),
        "reference" => text("The reference and its releases, as in \"docker >=20.10\"."),
        _ => text("The only world in which it shows."),
    }
}

fn observation_value(key: &str) -> Value {
    match key {
        "scenario" => text("One scenario, area/name, or a glob of them, where `*` stands for any text."),
        "on" => {
            let routes = json!([{"const": "*"}, { "enum": ROUTES }]);
            json!({"anyOf": routes, "description": "Every step with this route, or every step: \"*\"."})
        }
        "at" => text(
            "With `scenario` the step, then the pointer: \"wait/body/json/StatusCode\". With `on` the pointer.",
        ),
        "reference" => described(matcher(), "What the reference answers."),
        _ => described(matcher(), "What the candidate answers."),
    }
}

fn matcher() -> Value {
    let one_key = with(object(MATCHER_KEYS, &[], &matcher_value), "minProperties", json!(1));
    json!({"anyOf": [
        {"type": ["string", "number", "boolean", "array"]},
        with(one_key, "maxProperties", json!(1)),
    ]})
}

fn matcher_value(key: &str) -> Value {
    match key {
        "absent" => json!({"const": true, "description": "Nothing is there."}),
        "null" => json!({"const": true, "description": "`null` is there."}),
        "matches" => text("A text that the whole of this regular expression matches."),
        "any-of" => {
            json!({"type": "array", "minItems": 1, "description": "One of these values."})
        }
        "type" => words(TYPES.iter().map(|(word, _)| *word), "Any value of this type."),
        "json" => text("This JSON value, written as text: for objects."),
        _ => {
            let about =
                "How many times as long as the reference it takes, as in \">=2\"; of the candidate only.";
            with(text(about), "pattern", json!("^[<>]=\\s*[0-9]"))
        }
    }
}

/// `suites/suite.toml`.
pub fn suite_schema() -> Value {
    root("A suite", "Defaults of all scenarios, and the worlds.", object(SUITE_KEYS, &["api"], &suite_value))
}

fn suite_value(key: &str) -> Value {
    match key {
        "api" => api("The API versions of scenarios that name none."),
        "deadlines" => {
            let value = |key: &str| match key {
                "request" => number(1, "How many seconds one answer may take."),
                _ => number(1, "How many seconds a poll or a stream may take that names no time of its own."),
            };
            described(object(DEADLINE_KEYS, &[], &value), "In seconds, before an engine's timeout factor.")
        }
        _ => {
            let value = |key: &str| match key {
                "title" => text("What it is, for people."),
                "release" => text("The release that the simulator answers as there, as in \"0.3\"."),
                _ => fixture("The simulator's file, as in fixtures/simulator/NAME.toml."),
            };
            let world = object(WORLD_KEYS, &["title", "file"], &value);
            json!({"type": "object", "additionalProperties": world,
                "description": "Configurations or accounts in which other behaviours show, by name."})
        }
    }
}

/// `engines.toml`.
pub fn engines_schema() -> Value {
    let engine = object(ENGINE_KEYS, &["address"], &engine_value);
    let engines = |_: &str| json!({"type": "object", "additionalProperties": engine, "description": "Endpoints by name."});
    root("Engines", "The endpoints that a run can be pointed at.", object(&["engines"], &[], &engines))
}

fn engine_value(key: &str) -> Value {
    match key {
        "address" => text("Where it listens: unix:///path, tcp://host:port or https://host:port."),
        "certificates" => text(
            "The folder with cert.pem, key.pem and ca.pem, as DOCKER_CERT_PATH names one: TLS is spoken. From this file, or with ~/ from HOME.",
        ),
        "verify" => flag(
            "Whether the server's certificate has to be, or to be signed by, one in ca.pem. Default: true; false believes any server, as `docker --tls` does.",
        ),
        "api" => api("The API versions that it is asked at; cases at others are skipped. Default: any."),
        "timeout-factor" => {
            json!({"type": "number", "exclusiveMinimum": 0, "description": "By how much its deadlines are longer."})
        }
        "budget" => number(
            1,
            "How many containers a run makes there at most; cases beyond it are skipped. Default: 500, and no limit on this machine.",
        ),
        "jobs" => number(1, "How many cases it can serve at a time."),
        "images" => {
            texts("Its own names of the images that scenarios need; what is missing is pulled, and stays.")
        }
        "label" => {
            with(text("The label of everything made there. Default: divergence.run."), "pattern", json!(WORD))
        }
        "name-prefix" => with(
            text("What the name of everything made there begins with. Default: dv-."),
            "pattern",
            json!(WORD),
        ),
        "registry" => text("The registry that it can push to and pull from, as HOST:PORT."),
        _ => texts("The capabilities that it lacks, with the reasons."),
    }
}

const WORD: &str = "^[a-z][a-z0-9._-]{0,39}$";
const NAME: &str = "^[A-Za-z0-9_-]+$";

fn root(title: &str, about: &str, schema: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("title".to_owned(), title.into());
    whole.insert("description".to_owned(), about.into());
    if let Value::Object(map) = schema {
        whole.extend(map);
    }
    Value::Object(whole)
}

fn object(keys: &[&str], required: &[&str], value: &dyn Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn with(mut schema: Value, key: &str, value: Value) -> Value {
    if let Value::Object(map) = &mut schema {
        map.insert(key.to_owned(), value);
    }
    schema
}

fn described(schema: Value, about: &str) -> Value {
    with(schema, "description", about.into())
}

fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn line(about: &str) -> Value {
    with(text(about), "pattern", json!("^[A-Z]+ /"))
}

fn pointer(about: &str) -> Value {
    with(text(about), "pattern", json!("^(/|$)"))
}

fn range(about: &str) -> Value {
    with(text(about), "pattern", json!("^\\s*([<>]=?|=)\\s*[0-9.]+\\s*(,\\s*([<>]=?|=)\\s*[0-9.]+\\s*)*$"))
}

fn fixture(about: &str) -> Value {
    with(text(about), "pattern", json!("^fixtures/"))
}

fn flag(about: &str) -> Value {
    json!({"type": "boolean", "description": about})
}

fn number(least: u64, about: &str) -> Value {
    json!({"type": "integer", "minimum": least, "description": about})
}

fn api(about: &str) -> Value {
    let version = json!({"type": "string", "pattern": "^1\\.[0-9]+$"});
    with(list(version, about), "minItems", json!(1))
}

fn list(of: Value, about: &str) -> Value {
    json!({"type": "array", "items": of, "description": about})
}

fn texts(about: &str) -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}, "description": about})
}

fn words<'w>(known: impl Iterator<Item = &'w str>, about: &str) -> Value {
    json!({"enum": known.collect::<Vec<_>>(), "description": about})
}

#[cfg(test)]
mod tests;
