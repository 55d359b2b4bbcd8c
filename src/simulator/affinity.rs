//! Placement rules in the words of Swarm, from variables and a label
//! (sdc-docker `lib/backends/sdc/affinity.js`).

use hyper::Method;
use regex::Regex;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::docker::Ask;
use super::json::{self, put, strings, text};

const LABEL: &str = "com.docker.swarm.affinities";
const KEY: &str = r"(?i)^[a-z_][a-z0-9\-_.]+$";
const VALUE: &str = r"(?i)^[-a-z0-9:_\s.*/()?+\[\]\\^$|]+$";
/// The same two as JavaScript shows them in an error.
const KEY_SHOWN: &str = r"/^[a-z_][a-z0-9\-_.]+$/i";
const VALUE_SHOWN: &str = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i";

/// A rule, as `container==db*`.
#[derive(Debug)]
struct Rule {
    text: String,
    key: String,
    same: bool,
    soft: bool,
    value: String,
}

/// Rules are read, those of variables too; a rule among the variables ends up in the label as well
/// (catalogue: swarm-affinity-in-env, label-swarm-affinities).
pub fn check(call: &mut Call) -> Result<(), Answer> {
    let mut rules = if call.on("label-swarm-affinities") { of_label(call)? } else { Vec::new() };
    let of_env = if call.on("swarm-affinity-in-env") { of_env(call)? } else { Vec::new() };
    if of_env.is_empty() {
        return Ok(());
    }
    if !call.asked.get("Labels").is_some_and(Value::is_object) {
        return Err(Answer::error(500, format!("Cannot set property '{LABEL}' of undefined")));
    }
    rules.extend(of_env);
    let texts: Vec<&str> = rules.iter().map(|rule| rule.text.as_str()).collect();
    if let Some(body) = &mut call.json {
        put(body, "Labels", LABEL, json!(json!(texts).to_string()));
    }
    Ok(())
}

fn of_label(call: &Call) -> Result<Vec<Rule>, Answer> {
    let label = match call.asked.get("Labels").and_then(|l| l.get(LABEL)).and_then(Value::as_str) {
        Some(label) if !label.is_empty() => label,
        _ => return Ok(Vec::new()),
    };
    match json::parse(label) {
        Ok(texts) if texts.is_array() => read(strings(&texts, "")),
        Ok(_) => Err(Answer::invalid(format!("affinities label is not an array: {label}"))),
        Err(said) => {
            Err(Answer::invalid(format!("invalid affinities label: {}: SyntaxError: {said}", json!(label))))
        }
    }
}

fn of_env(call: &Call) -> Result<Vec<Rule>, Answer> {
    let env = strings(&call.asked, "/Env");
    read(env.iter().filter_map(|entry| entry.strip_prefix("affinity:")).map(str::to_owned).collect())
}

fn read(texts: Vec<String>) -> Result<Vec<Rule>, Answer> {
    texts.iter().map(|text| parse(text).map_err(Answer::invalid)).collect()
}

fn parse(text: &str) -> Result<Rule, String> {
    let found = ["==", "!="].iter().find_map(|operator| Some((*operator, text.split_once(operator)?)));
    let Some((operator, (key, value))) = found else {
        let shown = json!(text);
        return Err(format!("could not find operator in filter expression: expected one of ==, !=: {shown}"));
    };
    let fits = |pattern: &str, text: &str| Regex::new(pattern).is_ok_and(|p| p.is_match(text));
    if !fits(KEY, key) {
        return Err(unfit("key", text, key, KEY_SHOWN));
    }
    let (soft, value) = value.strip_prefix('~').map_or((false, value), |value| (true, value));
    if !fits(VALUE, value) {
        return Err(unfit("value", text, value, VALUE_SHOWN));
    }
    let same = operator == "==";
    Ok(Rule { text: text.to_owned(), key: key.to_owned(), same, soft, value: value.to_owned() })
}

fn unfit(what: &str, whole: &str, part: &str, pattern: &str) -> String {
    format!("invalid {what} in filter expression: {}: {} does not match {pattern}", json!(whole), json!(part))
}

/// A rule that wants the neighbourhood of what is not there fails the create (catalogue:
/// swarm-affinity-unsatisfied); the others are met by some server.
pub async fn satisfied(call: &Call) -> Result<(), Answer> {
    // What cannot be read was refused before, or its behaviour is off.
    let rules = [of_label(call), of_env(call)].into_iter().flatten().flatten();
    let rules: Vec<Rule> = rules.filter(|rule| rule.same && !rule.soft).collect();
    if rules.is_empty() {
        return Ok(());
    }
    let all = Ask::new(Method::GET, "/v1.41/containers/json?all=1");
    let containers = call.service.docker.json(all).await.unwrap_or(Value::Null);
    let containers: Vec<&Value> = containers.as_array().into_iter().flatten().collect();
    match rules.iter().find(|rule| !containers.iter().any(|container| rule.finds(container))) {
        Some(rule) => Err(Answer::coded(
            409,
            "NoAllocatableServersError",
            format!("problem creating container: No compute resources available: {}", rule.unmet()),
        )),
        None => Ok(()),
    }
}

impl Rule {
    fn finds(&self, container: &Value) -> bool {
        if self.key != "container" {
            let label = container.get("Labels").and_then(|l| l.get(&self.key)).and_then(Value::as_str);
            return label.is_some_and(|label| self.fits(label));
        }
        let id = text(container, "/Id");
        id.starts_with(&self.value)
            || strings(container, "/Names").iter().any(|name| self.fits(name.trim_start_matches('/')))
    }

    fn fits(&self, text: &str) -> bool {
        let pattern = match self.value.strip_prefix('/').and_then(|v| v.strip_suffix('/')) {
            Some(pattern) if !pattern.is_empty() => pattern.to_owned(),
            _ => format!("^{}$", regex::escape(&self.value).replace(r"\*", ".*")),
        };
        Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(text))
    }

    /// What sdc-docker's own tests expect (`test/integration/cli-affinity.test.js`).
    fn unmet(&self) -> String {
        let (key, value) = (&self.key, &self.value);
        let sought =
            if key == "container" { format!("\"{value}\"") } else { format!("tag \"{key}={value}\"") };
        format!("no active containers found matching {sought} for affinity \"{key}=={value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_key_operator_and_value() {
        let rule = parse("role!=~web*").unwrap();
        assert_eq!((rule.key.as_str(), rule.value.as_str()), ("role", "web*"));
        assert!(!rule.same && rule.soft);
        assert!(parse("container").unwrap_err().ends_with("expected one of ==, !=: \"container\""));
        assert!(parse("a b==c").unwrap_err().starts_with("invalid key in filter expression: \"a b==c\""));
        assert!(parse("container==").unwrap_err().contains(": \"\" does not match /^[-a-z0-9"));
    }

    #[test]
    fn a_rule_finds_names_ids_and_labels() {
        let container = json!({"Id": "abc123", "Names": ["/db0"], "Labels": {"role": "web"}});
        let finds = |rule: &str| parse(rule).unwrap().finds(&container);
        assert!(finds("container==db0") && finds("container==db*") && finds("container==/^db[0-9]$/"));
        assert!(finds("container==abc1") && finds("role==w*"));
        assert!(!finds("container==db") && !finds("role==we") && !finds("other==web"));
    }
}
