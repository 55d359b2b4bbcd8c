//! Values of options as `matches` sees them: ports and mounts in words of their own, since what
//! counts of them is how their parts go together.

/// A published port as flags and short forms write it: `[ADDRESS:][HOST:]CONTAINER[/PROTOCOL]`.
pub fn port(text: &str) -> String {
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (rest, container) = match numbers.rsplit_once(':') {
        Some((rest, container)) => (Some(rest), container),
        None => (None, numbers),
    };
    // An address may hold colons of its own, and stands in brackets then.
    let (address, host) = match rest {
        Some(rest) if !rest.ends_with(']') => match rest.rsplit_once(':') {
            Some((address, host)) => (Some(address), host),
            None if rest.contains('.') => (Some(rest), ""),
            None => (None, rest),
        },
        Some(rest) => (Some(rest), ""),
        None => (None, ""),
    };
    port_of(address.unwrap_or_default(), host, container, protocol)
}

/// The same from its parts, which may be empty.
pub fn port_of(address: &str, host: &str, container: &str, protocol: &str) -> String {
    let on = if address.is_empty() { String::new() } else { format!(" on {address}") };
    match host {
        "" => format!("random:{container}/{protocol}{on}"),
        host if host == container => format!("same:{container}/{protocol}{on}"),
        host => format!("remapped:{host}:{container}/{protocol}{on}"),
    }
}

/// A mount as flags and short forms write it: `[SOURCE:]TARGET[:FLAGS]`.
pub fn mount(text: &str) -> String {
    let parts: Vec<&str> = text.splitn(3, ':').collect();
    match parts.as_slice() {
        [source, target, flags] => mount_of(source, target, flags),
        [source, target] => mount_of(source, target, ""),
        _ => mount_of("", text, ""),
    }
}

/// The same from its parts, which may be empty.
pub fn mount_of(source: &str, target: &str, flags: &str) -> String {
    let others: Vec<&str> = flags.split(',').filter(|flag| !["", "ro", "rw"].contains(flag)).collect();
    let flags = if others.is_empty() { String::new() } else { format!(" flags {}", others.join(",")) };
    let is_path = ["/", ".", "~", "$"].iter().any(|start| source.starts_with(start));
    match source {
        "" => format!("anonymous:{target}{flags}"),
        source if is_path => format!("host:{source}:{target}{flags}"),
        source => format!("named:{source}:{target}{flags}"),
    }
}

/// A mount as `--mount` and long forms write it: `type=bind,source=/a,target=/b,readonly`. None when
/// it is a tmpfs, with its target.
pub fn long_mount(pairs: &[(String, String)]) -> Result<String, String> {
    let get = |names: &[&str]| {
        let found = pairs.iter().find(|(key, _)| names.contains(&key.as_str()));
        found.map_or("", |(_, value)| value.as_str())
    };
    let (source, target) = (get(&["source", "src"]), get(&["target", "destination", "dst"]));
    match get(&["type"]) {
        "tmpfs" => Err(target.to_owned()),
        "bind" if !source.starts_with(['/', '.', '~', '$']) => {
            Ok(mount_of(&format!("./{source}"), target, ""))
        }
        _ => Ok(mount_of(source, target, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_mounts_are_told_by_how_their_parts_go_together() {
        let ports = [
            ("80", "random:80/tcp"),
            ("80:80", "same:80/tcp"),
            ("8080:80/udp", "remapped:8080:80/udp"),
            ("127.0.0.1:80:80", "same:80/tcp on 127.0.0.1"),
            ("127.0.0.1::80", "random:80/tcp on 127.0.0.1"),
            ("[::1]:81:80", "remapped:81:80/tcp on [::1]"),
            ("3000-3005:3000-3005", "same:3000-3005/tcp"),
        ];
        for (text, told) in ports {
            assert_eq!(port(text), told, "{text}");
        }
        let mounts = [
            ("/data", "anonymous:/data"),
            ("data:/data", "named:data:/data"),
            ("/srv:/data:ro", "host:/srv:/data"),
            ("./here:/data", "host:./here:/data"),
            ("data:/data:ro,z", "named:data:/data flags z"),
        ];
        for (text, told) in mounts {
            assert_eq!(mount(text), told, "{text}");
        }
    }
}
