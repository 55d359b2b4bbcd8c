//! `GET /containers/json`: the shape of API 1.15 and filters of its own
//! (sdc-docker `lib/backends/sdc/containers.js:2500-2896`).

use regex::Regex;
use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::call::Call;
use super::filters::{self, Filters};
use super::json::{keep, put, text};
use super::route::Route;
use super::{exit, provisioning, resources, shapes};

const FILTERS: &[&str] = &["status", "exited", "id", "name", "label", "before", "since"];

/// What is left to filter after the Docker beneath answered.
#[derive(Default)]
struct Rest {
    exited: Vec<String>,
    names: Vec<Regex>,
    nothing: bool,
    packages: Vec<String>,
}

/// A flag that is given twice is a list, which ends the process (sdc-docker `lib/common.js:190-194`;
/// catalogue: uncaught-exception-drops-connection).
pub fn all_twice(call: &mut Call) -> Result<(), Answer> {
    match call.query.iter().filter(|(key, _)| key == "all").count() {
        0 | 1 => Ok(()),
        _ => Err(Answer::new(0, Body::Drop)),
    }
}

/// Lists containers.
pub async fn serve(call: &mut Call) -> Answer {
    call.service.pause("management-calls-slow", "list").await;
    let filters = match filters::read(call) {
        Ok(filters) => filters,
        Err(refused) => return refused,
    };
    let mut rest = Rest::default();
    let mut zones =
        if call.param("all").is_some_and(|all| all != "0") { provisioning::listed(call) } else { Vec::new() };
    if let Some(mut filters) = filters {
        if call.on("list-before-since-by-parameter") {
            parameters_are_filters(call, &mut filters).await;
        }
        if let Err(refused) = known_containers(call, &filters).await {
            return refused;
        }
        match translate(call, filters) {
            Ok((left, beneath)) => {
                rest = left;
                if !beneath.is_empty() {
                    zones.clear();
                }
                filters::write(call, &beneath);
            }
            Err(refused) => return refused,
        }
    }
    if call.on("list-limit-not-checked") {
        whole_limit(call);
    }
    let mut answer = call.forward().await;
    if let Some(Value::Array(containers)) = answer.value() {
        zones.retain(|zone| !containers.iter().any(|container| container["Names"] == zone["Names"]));
        containers.extend(zones);
        containers.retain(|container| rest.takes(call, container) && !call.is_of_another(container));
        let is_told = !call.service.world.sees_packages && !containers.is_empty();
        if is_told && call.on("no-packages-available") {
            return Answer::error(500, "no packages available to this user");
        }
    }
    answer
}

/// Before and since narrow the list as the filters of these names do (sdc-docker
/// `lib/backends/sdc/containers.js:2583-2620`); then containers that ended count too.
async fn parameters_are_filters(call: &mut Call, filters: &mut Filters) {
    for key in ["since", "before"] {
        let Some(name) = call.param(key).filter(|name| !name.is_empty()).map(str::to_owned) else {
            continue;
        };
        // A name that is missing is told of below, or not at all: the Docker beneath ignores it.
        if call.service.docker.container(&name).await.is_ok() {
            call.query.retain(|(k, _)| k != key);
            filters.push((key.to_owned(), vec![name]));
            call.set_param("all", "1");
        }
    }
}

/// What a list is narrowed around must be there (catalogue: list-before-since-500).
async fn known_containers(call: &Call, filters: &Filters) -> Result<(), Answer> {
    let around = filters.iter().filter(|(key, _)| ["before", "since"].contains(&key.as_str()));
    let by_filter = around.filter_map(|(_, values)| values.first().map(String::as_str));
    let by_parameter = ["before", "since"].into_iter().filter_map(|key| call.param(key));
    for name in by_filter.chain(by_parameter) {
        let found = call.service.docker.container(name).await.is_ok();
        if !found && call.on("list-before-since-500") {
            return Err(Answer::error(500, format!("Could not find container with name or id {name}")));
        }
    }
    Ok(())
}

/// A limit is the number that it begins with, or none (id: list-limit-not-checked; sdc-docker
/// `lib/endpoints/containers.js:91`).
fn whole_limit(call: &mut Call) {
    let Some(limit) = call.param("limit").map(str::to_owned) else {
        return;
    };
    let digits: String = limit.trim_start().chars().take_while(char::is_ascii_digit).collect();
    call.query.retain(|(key, _)| key != "limit");
    if digits.parse::<u32>().is_ok_and(|limit| limit > 0) {
        call.set_param("limit", &digits);
    }
}

/// Splits filters into those for the Docker beneath and those that mean something else there.
fn translate(call: &Call, filters: Filters) -> Result<(Rest, Filters), Answer> {
    let mut rest = Rest::default();
    let mut beneath = Filters::new();
    for (name, values) in filters {
        match name.as_str() {
            "status" => status(call, &mut rest, &mut beneath, values)?,
            "exited" if is_taken_as_text(call, &values) => rest.exited = values,
            "name" | "id" => named(call, &mut rest, &mut beneath, name, values)?,
            "label" => labels(call, &mut rest, &mut beneath, values)?,
            other if !FILTERS.contains(&other) && call.on("list-filter-unknown-ignored") => {}
            _ => beneath.push((name, values)),
        }
    }
    Ok((rest, beneath))
}

/// Whether exit codes are compared here: those that stock Docker has not, and words that are none (id:
/// list-filter-exited-as-text; sdc-docker `lib/backends/sdc/containers.js:2727`).
fn is_taken_as_text(call: &Call, values: &[String]) -> bool {
    let numbers = values.iter().all(|value| value.parse::<i64>().is_ok());
    call.on(if numbers { "exit-status-differs" } else { "list-filter-exited-as-text" })
}

fn status(
    call: &Call,
    rest: &mut Rest,
    beneath: &mut Filters,
    mut values: Vec<String>,
) -> Result<(), Answer> {
    if call.on("list-filter-status-values") {
        let known = ["created", "restarting", "running", "paused", "exited"];
        if values.iter().any(|v| !known.contains(&v.as_str())) {
            return Err(Answer::error(500, "Unrecognised filter value for status"));
        }
    }
    if call.on("list-filter-status-anded") && values.len() > 1 {
        rest.nothing = true;
        return Ok(());
    }
    if call.on("status-created-by-missing-restartcount") {
        // Nothing is provisioning, which is what "created" is looked up as.
        if values == ["created"] {
            rest.nothing = true;
        } else if values == ["exited"] {
            values.push("created".to_owned());
        }
    }
    beneath.push(("status".to_owned(), values));
    Ok(())
}

fn named(
    call: &Call,
    rest: &mut Rest,
    beneath: &mut Filters,
    name: String,
    values: Vec<String>,
) -> Result<(), Answer> {
    let mut patterns = Vec::new();
    for value in &values {
        match Regex::new(value) {
            Ok(pattern) => patterns.push(pattern),
            Err(_) if call.on("uncaught-exception-drops-connection") => {
                return Err(Answer::new(0, Body::Drop));
            }
            Err(_) => {
                beneath.push((name, values));
                return Ok(());
            }
        }
    }
    if name == "name" && call.on("list-filter-name-without-slash") {
        rest.names = patterns;
    } else {
        beneath.push((name, values));
    }
    Ok(())
}

fn labels(call: &Call, rest: &mut Rest, beneath: &mut Filters, values: Vec<String>) -> Result<(), Answer> {
    let mut plain = Vec::new();
    for value in values {
        let (key, wanted) = match value.split_once('=') {
            Some((key, wanted)) => (key, Some(wanted)),
            None => (value.as_str(), None),
        };
        if key == resources::LABEL && call.on("list-filter-package-label") {
            match wanted {
                None => return Err(Answer::new(0, Body::Drop)),
                Some(wanted) if !resources::is_package_name(wanted) => {
                    return Err(Answer::error(500, format!("invalid value for {key}: {wanted}")));
                }
                Some(wanted) => rest.packages.push(wanted.to_owned()),
            }
            continue;
        }
        if call.on("list-filter-label-quirks") {
            rest.nothing |= key.starts_with("triton.");
            if let Some((first, _)) = wanted.and_then(|w| w.split_once('=')) {
                plain.push(format!("{key}={first}"));
                continue;
            }
        }
        plain.push(value);
    }
    if !plain.is_empty() {
        beneath.push(("label".to_owned(), plain));
    }
    Ok(())
}

impl Rest {
    fn takes(&self, call: &Call, container: &Value) -> bool {
        !self.nothing
            && self.takes_name(container)
            && self.takes_code(call, container)
            && self.packages.iter().all(|wanted| {
                resources::shown(call, text(container, "/Id")).is_some_and(|package| {
                    package.name == *wanted
                        || package.id == *wanted
                        || (wanted.len() == 8 && package.id.starts_with(wanted.as_str()))
                })
            })
    }

    fn takes_name(&self, container: &Value) -> bool {
        self.names.is_empty()
            || super::json::strings(container, "/Names").iter().any(|name| {
                let name = name.trim_start_matches('/');
                self.names.iter().any(|pattern| pattern.is_match(name))
            })
    }

    fn takes_code(&self, call: &Call, container: &Value) -> bool {
        if self.exited.is_empty() {
            return true;
        }
        let mut shown = container.clone();
        exit::list(call, &mut shown);
        exit::status_code(text(&shown, "/Status"))
            .is_some_and(|(code, _)| self.exited.contains(&code.to_string()))
    }
}

/// Sizes are not computed (catalogue: list-size-ignored).
pub fn no_sizes(call: &mut Call) -> Result<(), Answer> {
    call.query.retain(|(key, _)| key != "size");
    Ok(())
}

/// The keys of API 1.15 and no others (catalogue: list-missing-fields).
pub fn missing_fields(_: &Call, container: &mut Value) {
    // Sizes are not told either, but that is a divergence of its own (list-size-ignored).
    let sizes: &[&str] = &["SizeRw", "SizeRootFs"];
    keep(container, "", &[shapes::members(Route::ContainerList, ""), sizes].concat());
}

/// Status is never "Restarting" (catalogue: state-restarting-always-false).
pub fn never_restarting(_: &Call, container: &mut Value) {
    if let Some(rest) = text(container, "/Status").strip_prefix("Restarting ") {
        let status = format!("Exited {rest}");
        put(container, "", "Status", json!(status));
    }
}

/// A second is counted as `1 seconds` (sdc-docker `lib/common.js:119-149`).
pub fn counted_seconds(_: &Call, container: &mut Value) {
    let status = text(container, "/Status").replace(" 1 second", " 1 seconds").replace("secondss", "seconds");
    put(container, "", "Status", json!(status));
}

/// The name that was given at create (catalogue: list-image-name).
pub fn image_name(call: &Call, container: &mut Value) {
    let record = call.service.state.container(text(container, "/Id"));
    if let Some(record) = record {
        let asked = text(&record.asked, "/Image");
        if !asked.is_empty() {
            put(container, "", "Image", json!(asked));
        }
    }
}
