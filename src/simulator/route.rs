//! The routes of sdc-docker: which request is which call, and which methods a path has.

/// A call of the API, as sdc-docker routes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    ArchiveGet,
    ArchiveHead,
    ArchivePut,
    Attach,
    Auth,
    Build,
    CaPem,
    Changes,
    Commit,
    ContainerCreate,
    ContainerDelete,
    ContainerInspect,
    ContainerList,
    Copy,
    Events,
    ExecCreate,
    ExecInspect,
    ExecResize,
    ExecStart,
    Export,
    ImageCreate,
    ImageDelete,
    ImageGet,
    ImageHistory,
    ImageInspect,
    ImageList,
    ImageLoad,
    ImagePush,
    ImageSearch,
    ImageTag,
    Info,
    Kill,
    LinkDelete,
    Logs,
    NetworkConnect,
    NetworkCreate,
    NetworkDelete,
    NetworkDisconnect,
    NetworkInspect,
    NetworkList,
    NetworkPrune,
    Pause,
    Ping,
    Rename,
    Resize,
    Restart,
    Start,
    Stats,
    Stop,
    Top,
    Unpause,
    Version,
    VolumeCreate,
    VolumeDelete,
    VolumeInspect,
    VolumeList,
    Wait,
}

impl Route {
    /// Whether the path names a container that is looked up before anything else.
    pub fn names_container(self) -> bool {
        matches!(
            self,
            Route::ArchiveGet
                | Route::ArchiveHead
                | Route::ArchivePut
                | Route::Attach
                | Route::Changes
                | Route::ContainerDelete
                | Route::ContainerInspect
                | Route::Copy
                | Route::ExecCreate
                | Route::Export
                | Route::Kill
                | Route::LinkDelete
                | Route::Logs
                | Route::Pause
                | Route::Rename
                | Route::Resize
                | Route::Restart
                | Route::Start
                | Route::Stats
                | Route::Stop
                | Route::Top
                | Route::Unpause
                | Route::Wait
        )
    }

    /// Whether it runs without authentication, version and read-only checks
    /// (catalogue: ping-and-events-skip-checks).
    pub fn skips_checks(self) -> bool {
        matches!(self, Route::Ping | Route::Events | Route::CaPem)
    }
}

/// The certificate has no version prefix.
const CA_PEM: &str = "/ca.pem";

/// `*` is one segment, `**` anything; the order is that of registration, which `Allow` shows.
const ROUTES: &[(&str, &str, Route)] = &[
    ("GET", "/_ping", Route::Ping),
    ("GET", CA_PEM, Route::CaPem),
    ("POST", "/auth", Route::Auth),
    ("POST", "/build", Route::Build),
    ("POST", "/commit", Route::Commit),
    ("GET", "/containers/json", Route::ContainerList),
    ("POST", "/containers/create", Route::ContainerCreate),
    ("GET", "/containers/*/json", Route::ContainerInspect),
    ("GET", "/containers/*/top", Route::Top),
    ("GET", "/containers/*/logs", Route::Logs),
    ("GET", "/containers/*/stats", Route::Stats),
    ("GET", "/containers/*/changes", Route::Changes),
    ("GET", "/containers/*/export", Route::Export),
    ("POST", "/containers/*/resize", Route::Resize),
    ("POST", "/containers/*/start", Route::Start),
    ("POST", "/containers/*/stop", Route::Stop),
    ("POST", "/containers/*/restart", Route::Restart),
    ("POST", "/containers/*/kill", Route::Kill),
    ("POST", "/containers/*/pause", Route::Pause),
    ("POST", "/containers/*/unpause", Route::Unpause),
    ("POST", "/containers/*/attach", Route::Attach),
    ("POST", "/containers/*/wait", Route::Wait),
    ("DELETE", "/containers/*", Route::ContainerDelete),
    ("DELETE", "/containers/*/*", Route::LinkDelete),
    ("DELETE", "/containers//*/*", Route::LinkDelete),
    ("POST", "/containers/*/copy", Route::Copy),
    ("GET", "/containers/*/archive", Route::ArchiveGet),
    ("PUT", "/containers/*/archive", Route::ArchivePut),
    ("HEAD", "/containers/*/archive", Route::ArchiveHead),
    ("POST", "/containers/*/exec", Route::ExecCreate),
    ("POST", "/containers/*/rename", Route::Rename),
    ("POST", "/exec/*/start", Route::ExecStart),
    ("POST", "/exec/*/resize", Route::ExecResize),
    ("GET", "/exec/*/json", Route::ExecInspect),
    ("GET", "/events", Route::Events),
    ("GET", "/images/json", Route::ImageList),
    ("POST", "/images/create", Route::ImageCreate),
    ("GET", "/images/search", Route::ImageSearch),
    ("GET", "/images/**/json", Route::ImageInspect),
    ("GET", "/images/**/history", Route::ImageHistory),
    ("POST", "/images/**/push", Route::ImagePush),
    ("POST", "/images/**/tag", Route::ImageTag),
    ("DELETE", "/images/**", Route::ImageDelete),
    ("GET", "/images/**/get", Route::ImageGet),
    ("POST", "/images/**/load", Route::ImageLoad),
    ("GET", "/info", Route::Info),
    ("GET", "/networks", Route::NetworkList),
    ("POST", "/networks/create", Route::NetworkCreate),
    ("DELETE", "/networks/*", Route::NetworkDelete),
    ("GET", "/networks/*", Route::NetworkInspect),
    ("POST", "/networks/*/connect", Route::NetworkConnect),
    ("POST", "/networks/*/disconnect", Route::NetworkDisconnect),
    ("POST", "/networks/prune", Route::NetworkPrune),
    ("GET", "/version", Route::Version),
    ("POST", "/volumes/create", Route::VolumeCreate),
    ("GET", "/volumes", Route::VolumeList),
    ("DELETE", "/volumes/*", Route::VolumeDelete),
    ("GET", "/volumes/*", Route::VolumeInspect),
];

/// What a request's method and path mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Matched {
    /// A call, its version prefix without slash, and the decoded parts that the path names.
    Call { route: Route, prefix: Option<String>, names: Vec<String> },
    /// The path is known, with other methods.
    WrongMethod { allow: String },
    /// The path is known, but what it names cannot be decoded, which ends the process of sdc-docker.
    Undecodable,
    /// No such path.
    Unknown,
}

/// Finds the call of a request.
pub fn find(method: &str, path: &str) -> Matched {
    let (prefix, rest) = split_prefix(path);
    let found = |pattern| {
        let plain = matches(pattern, path).map(|names| (None, names));
        plain.or_else(|| matches(pattern, rest).filter(|_| prefix.is_some()).map(|names| (prefix, names)))
    };
    for (_, pattern, route) in ROUTES.iter().filter(|(candidate, ..)| *candidate == method) {
        let Some((prefix, names)) = found(pattern) else {
            continue;
        };
        if *route == Route::CaPem && prefix.is_some() {
            continue;
        }
        let names = names.into_iter().map(|name| match route {
            Route::VolumeDelete | Route::VolumeInspect => decode_component(name),
            _ => Some(unescape(name)),
        });
        return match names.collect() {
            Some(names) => Matched::Call { route: *route, prefix: prefix.map(str::to_owned), names },
            None => Matched::Undecodable,
        };
    }
    // The first path that fits tells its methods, whatever other paths fit as well.
    let Some(known) = ROUTES
        .iter()
        .map(|(_, pattern, _)| *pattern)
        .find(|pattern| found(pattern).is_some_and(|(prefix, _)| *pattern != CA_PEM || prefix.is_none()))
    else {
        return Matched::Unknown;
    };
    let methods: Vec<&str> =
        ROUTES.iter().filter(|(_, pattern, _)| *pattern == known).map(|(method, ..)| *method).collect();
    Matched::WrongMethod { allow: methods.join(", ") }
}

/// A path as node's `url.parse` gives it: odd characters are escaped, a backslash is a slash.
pub fn clean(path: &str) -> String {
    let mut clean = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '\\' => clean.push('/'),
            '"' | '<' | '>' | '`' | '{' | '}' | '|' | '^' | '\'' | ' ' => {
                clean.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c => clean.push(c),
        }
    }
    clean
}

/// Splits `/v1.21/info` into `v1.21` and `/info`.
pub fn split_prefix(path: &str) -> (Option<&str>, &str) {
    let Some(rest) = path.strip_prefix('/') else {
        return (None, path);
    };
    match rest.find('/') {
        Some(end) if rest.starts_with('v') && end > 1 => (Some(&rest[..end]), &rest[end..]),
        _ => (None, path),
    }
}

fn matches<'a>(pattern: &str, path: &'a str) -> Option<Vec<&'a str>> {
    if let Some((head, tail)) = pattern.split_once("**") {
        let middle = path.strip_prefix(head)?;
        return Some(vec![middle.strip_suffix(tail)?]);
    }
    let mut names = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let segment = given.next()?;
        match wanted {
            "*" if !segment.is_empty() => names.push(segment),
            _ if wanted == segment => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(names)
}

/// JavaScript's `unescape`: each `%41` is one character of Latin-1, `%u0041` one of Unicode, and
/// what is no escape stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let wide = escape.starts_with("%u");
        let (skip, digits) = if wide { (2, 4) } else { (1, 2) };
        let hex = escape.get(skip..skip + digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = &escape[skip + digits..];
            }
            None => {
                out.push('%');
                rest = &escape[1..];
            }
        }
    }
    out + rest
}

/// JavaScript's `decodeURIComponent`, which throws at what is no escape and no UTF-8.
fn decode_component(text: &str) -> Option<String> {
    let escapes = text.match_indices('%').all(|(at, _)| {
        text.get(at + 1..at + 3).is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    let decoded = decode(text);
    (escapes && !decoded.contains('\u{FFFD}')).then_some(decoded)
}

/// Decodes `%41`; what is not an escape stays as it is.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The pairs of a query string, decoded, in order.
pub fn query(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Option<(Route, Option<String>, Vec<String>)> {
        match find(method, path) {
            Matched::Call { route, prefix, names } => Some((route, prefix, names)),
            Matched::WrongMethod { .. } | Matched::Undecodable | Matched::Unknown => None,
        }
    }

    #[test]
    fn paths_find_their_calls() {
        let (found, prefix, names) = route("GET", "/v1.24/containers/web/json").unwrap();
        assert_eq!(found, Route::ContainerInspect);
        assert_eq!(prefix.as_deref(), Some("v1.24"));
        assert_eq!(names, ["web"]);
        let image = route("GET", "/images/docker.io/library/busybox%3Alatest/json").unwrap();
        assert_eq!(image.0, Route::ImageInspect);
        assert_eq!(image.2, ["docker.io/library/busybox:latest"]);
        assert_eq!(route("GET", "/vfoo/info").unwrap().1.as_deref(), Some("vfoo"));
        assert_eq!(route("GET", "/volumes/v1").unwrap().0, Route::VolumeInspect);
        assert_eq!(route("DELETE", "/images/").unwrap().0, Route::ImageDelete);
        assert_eq!(route("GET", "/ca.pem").unwrap().0, Route::CaPem);
        assert_eq!(route("GET", "/v1.24/ca.pem"), None);
        assert_eq!(route("GET", "/images//json").unwrap().2, [""]);
        assert_eq!(find("GET", "/volumes/a%zz"), Matched::Undecodable);
    }

    #[test]
    fn greedy_routes_turn_missing_calls_into_wrong_methods() {
        let allow = |method, path| match find(method, path) {
            Matched::WrongMethod { allow } => allow,
            Matched::Unknown => "unknown".to_owned(),
            Matched::Undecodable => "undecodable".to_owned(),
            Matched::Call { .. } => "call".to_owned(),
        };
        assert_eq!(allow("POST", "/v1.24/containers/web/update"), "DELETE");
        assert_eq!(allow("POST", "/v1.24/images/load"), "DELETE");
        assert_eq!(allow("GET", "/v1.24/images/get"), "DELETE");
        assert_eq!(allow("POST", "/v1.25/volumes/prune"), "DELETE, GET");
        assert_eq!(allow("HEAD", "/_ping"), "GET");
        assert_eq!(allow("PUT", "/v1.24/volumes/create"), "POST");
        assert_eq!(allow("POST", "/v1.24/containers/x/archive"), "DELETE");
        assert_eq!(allow("HEAD", "/v1.24/networks/x"), "DELETE, GET");
        assert_eq!(allow("POST", "/ca.pem"), "GET");
        assert_eq!(allow("GET", "/v1.24/containers/foo"), "DELETE");
        assert_eq!(allow("GET", "/v1.24/containers/x/attach/ws"), "unknown");
        assert_eq!(allow("GET", "/1.21/info"), "unknown");
        assert_eq!(allow("GET", "/v1.24/containers/json/"), "unknown");
    }

    #[test]
    fn escapes_survive_both_ways() {
        assert_eq!(unescape("a%2Fb%zz%u00e9%C3%A9%"), "a/b%zzé\u{c3}\u{a9}%");
        assert_eq!(clean("/a b\\c'"), "/a%20b/c%27");
        assert_eq!(decode("a%2Fb%zz"), "a/b%zz");
        assert_eq!(decode(&encode("hé llo/%")), "hé llo/%");
        assert_eq!(
            query("a=1&b&c=%7Bx"),
            [
                ("a".to_owned(), "1".to_owned()),
                ("b".to_owned(), String::new()),
                ("c".to_owned(), "{x".to_owned()),
            ]
        );
    }
}
