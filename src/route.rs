//! The routes of the Docker Remote API 1.20 to 1.24, and which of them a request takes.
//! Source: Docker's API references v1.20 to v1.24 (method and path headings).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A documented route as text, with `*` for a name: `POST /containers/*/start`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Route(String);

/// All documented routes; a name in `/images/*` may itself hold slashes.
pub const ROUTES: &[&str] = &[
    "GET /_ping",
    "POST /auth",
    "POST /build",
    "POST /commit",
    "GET /containers/json",
    "POST /containers/create",
    "DELETE /containers/*",
    "GET /containers/*/json",
    "GET /containers/*/top",
    "GET /containers/*/logs",
    "GET /containers/*/changes",
    "GET /containers/*/export",
    "GET /containers/*/stats",
    "POST /containers/*/resize",
    "POST /containers/*/start",
    "POST /containers/*/stop",
    "POST /containers/*/restart",
    "POST /containers/*/kill",
    "POST /containers/*/update",
    "POST /containers/*/rename",
    "POST /containers/*/pause",
    "POST /containers/*/unpause",
    "POST /containers/*/attach",
    "GET /containers/*/attach/ws",
    "POST /containers/*/wait",
    "POST /containers/*/copy",
    "HEAD /containers/*/archive",
    "GET /containers/*/archive",
    "PUT /containers/*/archive",
    "POST /containers/*/exec",
    "POST /exec/*/start",
    "POST /exec/*/resize",
    "GET /exec/*/json",
    "GET /events",
    "GET /images/json",
    "POST /images/create",
    "POST /images/load",
    "GET /images/get",
    "GET /images/search",
    "DELETE /images/*",
    "GET /images/*/json",
    "GET /images/*/history",
    "GET /images/*/get",
    "POST /images/*/push",
    "POST /images/*/tag",
    "GET /info",
    "GET /networks",
    "POST /networks/create",
    "GET /networks/*",
    "DELETE /networks/*",
    "POST /networks/*/connect",
    "POST /networks/*/disconnect",
    "GET /nodes",
    "GET /nodes/*",
    "DELETE /nodes/*",
    "POST /nodes/*/update",
    "GET /plugins",
    "POST /plugins/pull",
    "GET /plugins/*",
    "DELETE /plugins/*",
    "POST /plugins/*/enable",
    "POST /plugins/*/disable",
    "POST /plugins/*/push",
    "GET /services",
    "POST /services/create",
    "GET /services/*",
    "DELETE /services/*",
    "POST /services/*/update",
    "GET /swarm",
    "POST /swarm/init",
    "POST /swarm/join",
    "POST /swarm/leave",
    "POST /swarm/update",
    "GET /tasks",
    "GET /tasks/*",
    "GET /version",
    "GET /volumes",
    "POST /volumes/create",
    "GET /volumes/*",
    "DELETE /volumes/*",
];

impl Route {
    /// The documented route that a method and a path (without version prefix and query) take.
    /// Literal segments win over `*`, so `GET /images/json` is the list.
    pub fn of(method: &str, path: &str) -> Option<Route> {
        let path = path.split('?').next().unwrap_or(path);
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let takes = |route: &&&str| {
            let Some((its_method, its_path)) = route.split_once(" /") else { return false };
            // No route begins with a star: nearly all are told apart by their first segment.
            let same_start = its_path.split('/').next() == parts.first().copied();
            its_method == method && same_start && fits(&its_path.split('/').collect::<Vec<_>>(), &parts)
        };
        let stars = |route: &&&str| route.matches('*').count();
        ROUTES.iter().filter(takes).min_by_key(stars).map(|route| Route((*route).to_owned()))
    }

    /// A route named in a divergence file, if it is one of Docker's.
    pub fn named(text: &str) -> Option<Route> {
        ROUTES.contains(&text).then(|| Route(text.to_owned()))
    }

    /// The text, `METHOD /path`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fits(pattern: &[&str], parts: &[&str]) -> bool {
    let names_hold_slashes = pattern.first() == Some(&"images") || pattern.first() == Some(&"plugins");
    if pattern.len() == parts.len() {
        let same = |(want, have): (&&str, &&str)| (*want == "*" && !have.is_empty()) || want == have;
        return pattern.iter().zip(parts).all(same);
    }
    let Some(star) = pattern.iter().position(|segment| *segment == "*") else { return false };
    let tail = pattern.len() - star - 1;
    names_hold_slashes
        && parts.len() > pattern.len()
        && fits(&pattern[..star], &parts[..star])
        && fits(&pattern[star + 1..], &parts[parts.len() - tail..])
}

impl fmt::Display for Route {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_its_most_literal_route() {
        let table = [
            ("GET", "/containers/json?all=1", Some("GET /containers/json")),
            ("GET", "/containers/web/json", Some("GET /containers/*/json")),
            ("GET", "/images/json", Some("GET /images/json")),
            ("GET", "/images/quay.io/a/b:1/json", Some("GET /images/*/json")),
            ("DELETE", "/images/a/b", Some("DELETE /images/*")),
            ("POST", "/images/load", Some("POST /images/load")),
            ("POST", "/networks/create", Some("POST /networks/create")),
            ("GET", "/nowhere", None),
            ("PUT", "/containers/json", None),
            ("DELETE", "/containers/", None),
        ];
        for (method, path, route) in table {
            assert_eq!(Route::of(method, path).as_ref().map(Route::as_str), route, "{method} {path}");
        }
    }
}
