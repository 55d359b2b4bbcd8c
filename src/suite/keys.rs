//! The keys of the suite's files, by table. The loader accepts these, and the schemas offer them.

/// The keys of a scenario.
pub const SCENARIO_KEYS: &[&str] =
    &["title", "page", "command", "api", "needs", "exclusive", "repetitions", "steps"];
/// The keys of which a step has exactly one: what it does.
pub const ACTION_KEYS: &[&str] = &["request", "raw", "exec", "stream", "cli", "join"];
/// The keys of every step.
pub const STEP_KEYS: &[&str] = &["id", "capture", "names", "compare", "view"];
/// The keys of a body; a request has at most one.
pub const BODY_KEYS: &[&str] = &["json", "text", "file", "tar"];
/// The further keys of a step with `request`.
pub const REQUEST_KEYS: &[&str] =
    &["request", "headers", "json", "text", "file", "tar", "label", "until", "background"];
/// The further keys of a step with `raw`.
pub const RAW_KEYS: &[&str] = &["raw", "headers", "json", "text", "file", "tar", "label", "until"];
/// The further key of a step with `exec`.
pub const EXEC_STEP_KEYS: &[&str] = &["exec"];
/// The keys of `exec` itself.
pub const EXEC_KEYS: &[&str] = &["container", "cmd", "tty", "user", "stdin", "seconds"];
/// The further keys of a step with `stream`.
pub const STREAM_KEYS: &[&str] = &[
    "stream",
    "headers",
    "json",
    "text",
    "file",
    "tar",
    "label",
    "stdin",
    "close-stdin",
    "upgrade",
    "until-end",
    "background",
];
/// The further keys of a step with `cli`.
pub const CLI_KEYS: &[&str] = &["cli", "stdin", "tar", "label", "seconds"];
/// The further key of a step with `join`.
pub const JOIN_KEYS: &[&str] = &["join"];
/// The keys of `until`.
pub const UNTIL_KEYS: &[&str] = &["at", "is", "seconds"];
/// The keys of `until-end`.
pub const UNTIL_END_KEYS: &[&str] = &["seconds", "frames"];
/// The keys of an entry of `tar`.
pub const TAR_KEYS: &[&str] = &["path", "text", "file", "link", "mode"];
/// The keys of `view`: what can be viewed.
pub const VIEW_KEYS: &[&str] = &["stdout", "stderr", "body"];

/// The keys of a divergence.
pub const DIVERGENCE_KEYS: &[&str] = &[
    "title",
    "kind",
    "page",
    "ticket",
    "why",
    "when",
    "owner",
    "review-by",
    "evidence",
    "stops",
    "hides",
    "observations",
];
/// The keys of `when`.
pub const WHEN_KEYS: &[&str] = &["release", "api", "reference", "world"];
/// The keys of an observation.
pub const OBSERVATION_KEYS: &[&str] = &["scenario", "on", "at", "reference", "candidate"];
/// The keys of a matcher; a table that pins a value has exactly one.
pub const MATCHER_KEYS: &[&str] = &["absent", "null", "matches", "any-of", "type", "json", "ratio"];

/// The keys of `suites/suite.toml`.
pub const SUITE_KEYS: &[&str] = &["api", "deadlines", "worlds"];
/// The keys of its `[deadlines]`.
pub const DEADLINE_KEYS: &[&str] = &["request", "until"];
/// The keys of a world.
pub const WORLD_KEYS: &[&str] = &["title", "release", "file"];
/// The keys of an entry of `suites/unobservable.toml`.
pub const UNOBSERVABLE_KEYS: &[&str] = &["id", "reason"];

/// The keys of an entry of `suites/options.toml`.
pub const OPTION_KEYS: &[&str] = &["option", "is", "divergence", "matches"];
/// The keys of a file of `fixtures/api/`.
pub const API_KEYS: &[&str] = &["format", "api", "source", "routes"];
/// The keys of a route there.
pub const API_ROUTE_KEYS: &[&str] = &["route", "path", "query", "filters", "headers", "fields", "statuses"];
/// The keys of an entry of `suites/unasked.toml`.
pub const UNASKED_KEYS: &[&str] =
    &["routes", "api", "parameters", "filters", "headers", "fields", "statuses", "everything", "reason"];
/// The keys of an entry of `suites/own-tests.toml`.
pub const OWN_TEST_KEYS: &[&str] = &["file", "scenarios", "unseen"];

/// The parts of an exec, which stand first in pointers into it.
pub const PARTS: &[&str] = &["create", "start", "inspect"];
