//! Labels of a create request: what they hold, and which names are reserved
//! (sdc-docker `lib/backends/sdc/containers.js:1984-2055`).

use serde_json::Value;

use super::answer::Answer;
use super::call::Call;

/// Tells everything that is wrong with the labels at once (catalogue: label-value-must-be-string,
/// label-triton-namespace).
pub fn check(call: &mut Call) -> Result<(), Answer> {
    let problems = problems(call);
    match problems.len() {
        0 => Ok(()),
        1 => Err(Answer::invalid(format!("invalid label: {}", problems[0]))),
        _ => Err(Answer::invalid(format!("invalid labels: {}", problems.join("; ")))),
    }
}

/// Labels of a container were not kept before June 2015 (catalogue: labels-unsupported-era).
pub fn unsupported(_: &Call, container: &mut Value) {
    super::json::put(container, "Config", "Labels", Value::Null);
}

fn problems(call: &Call) -> Vec<String> {
    let labels = call.json.as_ref().and_then(|body| body.get("Labels")).and_then(Value::as_object);
    let mut problems = Vec::new();
    for (key, value) in labels.into_iter().flatten() {
        match value.as_str() {
            None if call.on("label-value-must-be-string") => {
                problems.push(format!("label \"{key}\" value is not a string: {value}"));
            }
            Some(text) if key.starts_with("triton.") && call.on("label-triton-namespace") => {
                problems.extend(triton_problem(key, text));
            }
            Some(_) | None => {}
        }
    }
    problems
}

/// What is wrong with a label in the name space of the platform (sdc-docker
/// `test/integration/cli-triton-tags.test.js:135-205`).
fn triton_problem(key: &str, value: &str) -> Option<String> {
    match key {
        "triton.cns.disable" | "triton._test.boolean" => (!["true", "false"].contains(&value))
            .then(|| format!("Triton tag \"{key}\" value must be \"true\" or \"false\": \"{value}\"")),
        "triton._test.number" => value
            .parse::<f64>()
            .is_err()
            .then(|| format!("Triton tag \"{key}\" value must be a number: \"{value}\"")),
        "triton.cns.services" | "triton.cns.reverse_ptr" | "triton.network.public" => None,
        _ => Some(format!("Unrecognized special triton tag \"{key}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_labels_have_their_own_texts() {
        let told = |key, value| triton_problem(key, value).unwrap_or_default();
        assert_eq!(told("triton.bogus", "1"), "Unrecognized special triton tag \"triton.bogus\"");
        assert!(told("triton.cns.disable", "maybe").ends_with("must be \"true\" or \"false\": \"maybe\""));
        assert!(told("triton._test.number", "").ends_with("must be a number: \"\""));
        assert_eq!(told("triton.cns.disable", "true"), "");
        assert_eq!(told("triton.cns.services", "web"), "");
    }
}
