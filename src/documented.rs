//! What Docker documents of its API at one version: routes, parameters, headers, body fields and
//! status codes. Facts from `fixtures/api/`, which name their source; knows no answer.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::route::Route;
use crate::version::Version;

/// The facts of one API version.
#[derive(Clone, Debug)]
pub struct Documented {
    /// The version.
    pub api: Version,
    /// The routes in the order of the reference.
    pub routes: Vec<DocumentedRoute>,
}

/// The facts of one route.
#[derive(Clone, Debug)]
pub struct DocumentedRoute {
    /// The route.
    pub route: Route,
    /// Everything that is documented of it; the route itself comes first.
    pub details: Vec<Detail>,
}

/// One documented thing of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The route itself.
    Route,
    /// A parameter of the query.
    Parameter(String),
    /// A key of the JSON in the parameter `filters`.
    Filter(String),
    /// A header of the request.
    Header(String),
    /// A place in the JSON body of the request.
    Field(Field),
    /// A status of the answer.
    Status(u16),
}

/// One documented thing, with its route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// The route.
    pub route: Route,
    /// What of it.
    pub detail: Detail,
}

/// A place in a JSON body; `*` stands for an element of a list or a key of the user's choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field(Vec<String>);

impl Documented {
    /// Everything that is documented.
    pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.routes.iter().flat_map(|each| {
            each.details.iter().map(|detail| Item { route: each.route.clone(), detail: detail.clone() })
        })
    }
}

impl Field {
    /// Reads `/HostConfig/Ulimits/*/Name`; none if it does not start with a slash.
    pub fn parse(text: &str) -> Option<Field> {
        let segments = text.strip_prefix('/')?.split('/');
        Some(Field(segments.map(str::to_owned).collect()))
            .filter(|field| !field.0.iter().any(String::is_empty))
    }

    /// Whether a body has something there, be it `null`.
    pub fn is_in(&self, body: &Value) -> bool {
        reaches(body, &self.0)
    }

    /// Whether it is `other` or lies below it.
    pub fn is_under(&self, other: &Field) -> bool {
        self.0.starts_with(&other.0)
    }
}

fn reaches(value: &Value, segments: &[String]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return true };
    match value {
        Value::Object(map) if first == "*" => map.values().any(|each| reaches(each, rest)),
        Value::Object(map) => map.get(first).is_some_and(|each| reaches(each, rest)),
        Value::Array(list) if first == "*" => list.iter().any(|each| reaches(each, rest)),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(out, "/{segment}"))
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detail::Route => out.write_str("the route itself"),
            Detail::Parameter(name) => write!(out, "?{name}"),
            Detail::Filter(name) => write!(out, "?filters={{{name}}}"),
            Detail::Header(name) => write!(out, "{name}:"),
            Detail::Field(field) => field.fmt(out),
            Detail::Status(status) => status.fmt(out),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail {
            Detail::Route => self.route.fmt(out),
            _ => write!(out, "{} {}", self.route, self.detail),
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_there_when_the_body_reaches_it_even_with_null() {
        let body = serde_json::json!({"HostConfig": {"Ulimits": [{"Name": "x"}], "Dns": null,
            "PortBindings": {"80/tcp": [{"HostPort": ""}]}}, "Labels": {}});
        let table = [
            ("/HostConfig/Ulimits/*/Name", true),
            ("/HostConfig/Ulimits/*/Soft", false),
            ("/HostConfig/PortBindings/*/*/HostPort", true),
            ("/HostConfig/Dns", true),
            ("/HostConfig/Dns/*", false),
            ("/Labels", true),
            ("/labels", false),
        ];
        for (text, expected) in table {
            assert_eq!(Field::parse(text).unwrap().is_in(&body), expected, "{text}");
        }
        assert_eq!((Field::parse("HostConfig"), Field::parse("/a//b")), (None, None));
        let below = Field::parse("/HostConfig/Dns").unwrap();
        assert!(below.is_under(&Field::parse("/HostConfig").unwrap()));
        assert!(!below.is_under(&Field::parse("/HostConfig/D").unwrap()));
    }
}
