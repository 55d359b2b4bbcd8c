//! Names of images as sdc-docker takes them apart: what it lets pass is more than Docker does
//! (`parseRepo` and `parseRepoAndRef` of its docker-registry-client, `lib/common.js`). Pure.

/// A name taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The host that a registry is asked at.
    pub index: String,
    /// The name as lists show it, without a tag.
    pub local: String,
    /// The name with its host, without a tag.
    pub canonical: String,
    /// The tag, `latest` if none is given.
    pub tag: String,
    /// The digest, if one is given.
    pub digest: Option<String>,
}

impl Name {
    /// The name with its tag or digest.
    pub fn whole(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.local),
            None => format!("{}:{}", self.local, self.tag),
        }
    }
}

const OFFICIAL: &str = "docker.io";

/// Takes a name with its tag or digest apart; the error is the text that sdc-docker answers.
pub fn parse(text: &str) -> Result<Name, String> {
    if let Some((repo, digest)) = text.rsplit_once('@') {
        return Ok(Name { digest: Some(digest.to_owned()), ..parse_repo(repo)? });
    }
    let colon = text.rfind(':').filter(|colon| text.rfind('/').is_none_or(|slash| slash < *colon));
    match colon {
        Some(at) => {
            let tag = if text[at + 1..].is_empty() { "latest" } else { &text[at + 1..] };
            Ok(Name { tag: tag.to_owned(), ..parse_repo(&text[..at])? })
        }
        None => parse_repo(text),
    }
}

/// Takes a name without a tag apart.
pub fn parse_repo(text: &str) -> Result<Name, String> {
    let (index, remote) = split_index(text)?;
    let is_official = index == OFFICIAL;
    let (space, name) = match remote.split_once('/') {
        Some((space, name)) => (Some(space), name),
        None => (None, remote),
    };
    if let Some(space) = space {
        check_namespace(space)?;
    }
    if !name.chars().all(|c| is_plain(c) || c == '/') {
        return Err(format!("invalid repository name, may only contain [a-z0-9_/.-] characters: {name}"));
    }
    let local = match (is_official, space) {
        (true, Some("library")) => name.to_owned(),
        (true, _) => remote.to_owned(),
        (false, _) => format!("{index}/{remote}"),
    };
    let canonical = if is_official { format!("{OFFICIAL}/{local}") } else { local.clone() };
    Ok(Name { index: index.to_owned(), local, canonical, tag: "latest".to_owned(), digest: None })
}

fn split_index(text: &str) -> Result<(&str, &str), String> {
    if let Some(scheme) = text.find("://") {
        let after = scheme + 3;
        let Some(slash) = text[after..].find('/') else {
            return Err(format!("invalid repository name, no \"/REPO\" after hostame: {text}"));
        };
        return Ok((&text[after..after + slash], &text[after + slash + 1..]));
    }
    match text.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
            Ok((if host == "index.docker.io" { OFFICIAL } else { host }, rest))
        }
        _ => Ok((OFFICIAL, text)),
    }
}

fn check_namespace(space: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("invalid repository namespace, {why}: {space}"));
    match space {
        _ if !(2..=255).contains(&space.len()) => wrong("must be between 2 and 255 characters"),
        _ if !space.chars().all(is_plain) => wrong("may only contain [a-z0-9._-] characters"),
        _ if space.contains("--") => wrong("cannot contain consecutive hyphens"),
        _ => Ok(()),
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c)
}

/// Checks the address of a registry to log in at (`parseIndex` of the same).
pub fn check_index(text: &str) -> Result<(), String> {
    if text.is_empty() || text == "https://index.docker.io/v1/" {
        return Ok(());
    }
    let host = match text.split_once("://") {
        Some(("http" | "https", host)) => host,
        Some(_) => {
            return Err(format!("invalid index scheme, must be \"http\" or \"https\": {text}"));
        }
        None => text,
    };
    match host.strip_suffix('/').unwrap_or(host) {
        "" => Err(format!("invalid index, empty host: {text}")),
        host if !host.contains(['.', ':']) && host != "localhost" => {
            Err(format!("invalid index, \"{host}\" does not look like a valid host: {text}"))
        }
        host if host.contains('/') => Err(format!("invalid index, trailing repo: {text}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_the_recordings_show() {
        let whole = |text: &str| parse(text).map(|name| name.whole());
        assert_eq!(whole("busybox").unwrap(), "busybox:latest");
        assert_eq!(whole("library/busybox:1").unwrap(), "busybox:1");
        assert_eq!(whole("docker.io/library/busybox:latest").unwrap(), "busybox:latest");
        assert_eq!(whole("localhost:5000/bb:x").unwrap(), "localhost:5000/bb:x");
        assert_eq!(whole("mybb:bad tag").unwrap(), "mybb:bad tag");
        assert_eq!(whole("").unwrap(), ":latest");
        assert_eq!(parse("busybox").unwrap().canonical, "docker.io/busybox");
        assert_eq!(whole("h.io/x@sha256:12").unwrap(), "h.io/x@sha256:12");
        let name = "invalid repository name, may only contain [a-z0-9_/.-] characters: bad name";
        assert_eq!(whole("bad name").unwrap_err(), name);
        assert!(whole("a/b").unwrap_err().starts_with("invalid repository namespace, must be"));
        assert!(whole("http://x").unwrap_err().contains("no \"/REPO\""));
    }

    #[test]
    fn an_index_is_a_host_and_nothing_more() {
        assert!(check_index("127.0.0.1:5000").is_ok() && check_index("https://quay.io/").is_ok());
        let text = "https://nope.invalid/v1/";
        assert_eq!(check_index(text).unwrap_err(), format!("invalid index, trailing repo: {text}"));
        assert!(check_index("nowhere").is_err() && check_index("ftp://x.y").is_err());
    }
}
