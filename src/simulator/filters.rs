//! Filters of lists, as JSON in a query parameter.

use serde_json::Value;

use super::answer::{Answer, Body};
use super::call::Call;

/// The filters of a request: each name with its values, in order.
pub type Filters = Vec<(String, Vec<String>)>;

/// Reads the filters of a call. Malformed JSON ends the process of sdc-docker
/// (catalogue: uncaught-exception-drops-connection); a value of the wrong shape is told
/// (catalogue: list-filter-type-error). Nothing is read where the engine beneath should complain.
pub fn read(call: &Call) -> Result<Option<Filters>, Answer> {
    let Some(text) = call.param("filters") else {
        return Ok(Some(Vec::new()));
    };
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let parsed = serde_json::from_str::<Value>(text).ok();
    let object = match parsed {
        Some(Value::Object(object)) => object,
        _ if call.on("uncaught-exception-drops-connection") => {
            return Err(Answer::new(0, Body::Drop));
        }
        _ => return Ok(None),
    };
    let mut filters = Vec::new();
    for (name, value) in object {
        let values = match &value {
            Value::Array(values) => values.iter().map(plain).collect(),
            Value::Object(values) => values.keys().cloned().collect(),
            _ if call.on("list-filter-type-error") => {
                return Err(Answer::error(
                    500,
                    format!(
                        "invalid filters: Error: invalid filter \"{name}\" - expected an array or object, got: {value}"
                    ),
                ));
            }
            _ => return Ok(None),
        };
        filters.push((name, values));
    }
    Ok(Some(filters))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Writes filters for the Docker beneath.
pub fn write(call: &mut Call, filters: &Filters) {
    call.query.retain(|(key, _)| key != "filters");
    if filters.is_empty() {
        return;
    }
    let object: serde_json::Map<String, Value> = filters
        .iter()
        .map(|(name, values)| {
            let values = values.iter().cloned().map(Value::String).collect();
            (name.clone(), Value::Array(values))
        })
        .collect();
    let text = Value::Object(object).to_string();
    call.query.push(("filters".to_owned(), text));
}
