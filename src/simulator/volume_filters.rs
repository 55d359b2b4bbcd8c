//! Filters of the volume list, which sdc-docker hands to VOLAPI as a predicate (sdc-docker
//! `lib/backends/sdc/volumes.js:231-288`, sdc-volapi `lib/validation/predicate.js`).

use serde_json::Value;

use super::answer::{Answer, Body};
use super::call::Call;
use super::filters::{self, Filters};
use super::json::{parse, text};

/// The fields that VOLAPI knows.
const FIELDS: [&str; 7] = ["dangling", "name", "network", "size", "state", "type", "uuid"];

/// Checks the filters and writes them for the Docker beneath (catalogue: volume-list-filters).
pub fn check(call: &mut Call) -> Result<(), Answer> {
    let Some(asked) = call.param("filters").filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let mut filters = read(asked)?;
    if let Some((field, _)) = filters.iter().find(|(field, values)| !is_known(field) && !values.is_empty()) {
        let cause = format!("{field} is not a valid predicate field");
        return Err(Answer::coded(
            409,
            "ValidationError",
            format!("problem listing volumes: Validation error, causes: {cause}"),
        ));
    }
    // Docker's own list knows no more than these two.
    filters.retain(|(field, _)| field == "dangling" || field == "name");
    for (_, values) in filters.iter_mut().filter(|(field, _)| field == "dangling") {
        for value in values {
            // Whatever is not the word `true` counts as false.
            *value = (value == "true").to_string();
        }
    }
    filters::write(call, &filters);
    Ok(())
}

fn is_known(field: &str) -> bool {
    FIELDS.contains(&field)
}

fn read(asked: &str) -> Result<Filters, Answer> {
    match parse(asked).map_err(|said| refused(&format!("SyntaxError: {said}")))? {
        Value::Object(object) => object.iter().map(|(name, value)| values_of(name, value)).collect(),
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| values_of(&at.to_string(), value)).collect()
        }
        // What has no keys ends the process (catalogue: uncaught-exception-drops-connection).
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(Answer::new(0, Body::Drop)),
    }
}

fn values_of(name: &str, value: &Value) -> Result<(String, Vec<String>), Answer> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Array(values) => Ok((name.to_owned(), values.iter().map(plain).collect())),
        Value::Object(values) => Ok((name.to_owned(), values.keys().cloned().collect())),
        _ => Err(refused(&format!(
            "Error: invalid filter \"{name}\" - expected an array or object, got: {value}"
        ))),
    }
}

fn refused(problem: &str) -> Answer {
    Answer::error(500, format!("invalid filters: {problem}"))
}

/// Names are compared whole, and all that are asked for have to be the same (catalogue:
/// volume-list-filters).
pub fn whole_names(call: &Call, list: &mut Value) {
    let Some(Ok(filters)) = call.param("filters").map(read) else { return };
    let names: Vec<&String> =
        filters.iter().filter(|(field, _)| field == "name").flat_map(|(_, values)| values).collect();
    if let Some(Value::Array(volumes)) = list.get_mut("Volumes") {
        volumes.retain(|volume| names.iter().all(|name| *name == text(volume, "/Name")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(asked: &str) -> String {
        match read(asked).err().map(|answer| answer.body) {
            Some(Body::Fault(fault)) => fault.message,
            Some(Body::Drop) => "dropped".to_owned(),
            _ => "fine".to_owned(),
        }
    }

    #[test]
    fn broken_filters_are_told_in_the_words_of_v8() {
        let table = [
            ("{bad", "invalid filters: SyntaxError: Unexpected token b in JSON at position 1"),
            ("{\"name\":", "invalid filters: SyntaxError: Unexpected end of JSON input"),
            ("[1]", "invalid filters: Error: invalid filter \"0\" - expected an array or object, got: 1"),
            (
                "{\"name\":\"x\"}",
                "invalid filters: Error: invalid filter \"name\" - expected an array or object, got: \"x\"",
            ),
            ("null", "dropped"),
            ("{\"name\":{\"x\":true}}", "fine"),
        ];
        for (asked, told) in table {
            assert_eq!(message(asked), told, "{asked}");
        }
    }
}
