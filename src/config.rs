//! `engines.toml`: the endpoints of a user. Nothing is asked here; of other files only certificates
//! are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::engine::Endpoint;
use crate::engine::address::Address;
use crate::engine::budget::Budget;
use crate::engine::credentials::{Credentials, CredentialsError};
use crate::mistake::{Mistake, Mistakes, nearest};
use crate::scenario::{NEEDS, Need};
use crate::suite::reader::{Reader, root};
use crate::version::Version;

/// The keys of an entry.
pub const ENGINE_KEYS: &[&str] = &[
    "address",
    "certificates",
    "verify",
    "api",
    "timeout-factor",
    "jobs",
    "budget",
    "images",
    "registry",
    "lacks",
    "label",
    "name-prefix",
];

/// What paths in the file start from.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// Where the file lies.
    pub here: &'a Path,
    /// What `~` stands for.
    pub home: Option<&'a Path>,
}

/// Reads the text of `engines.toml`: tables `[engines.NAME]`.
pub fn parse(
    file: &str,
    text: &str,
    folders: Folders<'_>,
) -> Result<BTreeMap<String, Endpoint>, Vec<Mistake>> {
    let mut mistakes = Mistakes::of(file);
    let mut found = BTreeMap::new();
    if let Some(table) = root(text, &mut mistakes) {
        let reader = Reader::of_file(&table, text);
        reader.only(&["engines"], &mut mistakes);
        for (name, entry) in reader.named_tables("engines", &mut mistakes) {
            if let Some(endpoint) = endpoint(&entry, folders, &mut mistakes) {
                found.insert(name, endpoint);
            }
        }
    }
    if mistakes.found.is_empty() { Ok(found) } else { Err(mistakes.found) }
}

fn endpoint(entry: &Reader<'_>, folders: Folders<'_>, mistakes: &mut Mistakes) -> Option<Endpoint> {
    entry.only(ENGINE_KEYS, mistakes);
    entry.need("address", "write address = \"tcp://host:port\"", mistakes);
    let address = address(entry, folders, mistakes);
    let factor = entry.number("timeout-factor", mistakes);
    if factor.is_some_and(|factor| !(factor.is_finite() && factor > 0.0)) {
        let help =
            "it multiplies all deadlines: 1 for an engine as fast as Docker, 10 for one that takes a minute";
        mistakes.add(entry.span_of("timeout-factor"), "`timeout-factor` is no positive number", help);
    }
    let jobs = entry.positive("jobs", "leave it out for as many as the machine has room for", mistakes);
    let budget = entry.positive("budget", "leave it out for the usual one", mistakes);
    let api = versions(entry, mistakes);
    let lacks = lacks(entry, mistakes);
    let label = word(entry, "label", mistakes);
    let prefix = word(entry, "name-prefix", mistakes);
    let images = entry.pairs("images", mistakes).into_iter();
    let images: BTreeMap<String, String> = images.map(|(name, value, _)| (name, value.to_owned())).collect();
    let registry = entry.string("registry", mistakes).map(str::to_owned);
    let mut endpoint = Endpoint::new(address?);
    endpoint.timeout_factor = factor.unwrap_or(1.0);
    endpoint.jobs = jobs.and_then(|jobs| usize::try_from(jobs).ok());
    if let Some(budget) = budget.and_then(|budget| usize::try_from(budget).ok()) {
        endpoint.budget = Some(Budget::of(budget));
    }
    endpoint.registry = registry.unwrap_or(endpoint.registry);
    endpoint.label = label.unwrap_or(endpoint.label);
    endpoint.prefix = prefix.unwrap_or(endpoint.prefix);
    endpoint.lacks.extend(lacks);
    Some(Endpoint { images, api, ..endpoint })
}

fn address(entry: &Reader<'_>, folders: Folders<'_>, mistakes: &mut Mistakes) -> Option<Address> {
    let verify = entry.flag("verify", mistakes);
    let folder = entry.string("certificates", mistakes).map(|folder| path(folder, folders));
    let text = entry.string("address", mistakes)?;
    let read = match folder {
        None if text.starts_with("https://") && verify == Some(false) => Some(Ok(Credentials::default())),
        None => None,
        Some(Ok(folder)) => Some(Credentials::read(&folder, verify.unwrap_or(true))),
        Some(Err(why)) => {
            mistakes.add(entry.span_of("certificates"), why, "write the path of the folder");
            return None;
        }
    };
    let credentials = match read.transpose() {
        Ok(credentials) => credentials,
        Err(error) => {
            let help = match &error {
                CredentialsError::NoAuthority(_) => {
                    "put the certificate there that signs the server's, or the server's own; or say verify = false and believe any server"
                }
                _ => "it is a folder with cert.pem, key.pem and ca.pem, as DOCKER_CERT_PATH names one",
            };
            mistakes.add(entry.span_of("certificates"), format!("failed to {error}"), help);
            return None;
        }
    };
    if credentials.is_none() && verify.is_some() {
        let help = "name a folder with ca.pem: certificates = \"DIR\"";
        mistakes.add(entry.key_span("verify"), "`verify` without `certificates`", help);
        return None;
    }
    let address = match &credentials {
        Some(credentials) => Address::behind_tls(text, credentials),
        None => text.parse(),
    };
    let help = "write unix:///path or tcp://host:port, and certificates = \"DIR\" where it speaks TLS";
    address.map_err(|error| mistakes.add(entry.span_of("address"), error.to_string(), help)).ok()
}

fn path(text: &str, folders: Folders<'_>) -> Result<PathBuf, &'static str> {
    match (text.strip_prefix("~/"), folders.home) {
        (Some(rest), Some(home)) => Ok(home.join(rest)),
        (Some(_), None) => Err("`~` stands for HOME, which is not set"),
        (None, _) => Ok(folders.here.join(text)),
    }
}

fn versions(entry: &Reader<'_>, mistakes: &mut Mistakes) -> Vec<Version> {
    let mut versions = Vec::new();
    for (text, span) in entry.strings("api", mistakes).unwrap_or_default() {
        match text.parse() {
            Ok(version) => versions.push(version),
            Err(_) => {
                mistakes.add(
                    span,
                    format!("`{text}` is no API version"),
                    "write one as in api = [\"1.21\", \"1.24\"]",
                );
            }
        }
    }
    versions
}

fn lacks(entry: &Reader<'_>, mistakes: &mut Mistakes) -> BTreeMap<String, String> {
    let mut lacks = BTreeMap::new();
    for each in entry.entries("lacks", mistakes) {
        if Need::try_from(each.name.to_owned()).is_err() {
            let known = NEEDS.iter().map(|(word, _)| *word);
            let near = nearest(each.name, known.clone()).map(|near| format!("did you mean `{near}`? "));
            let known = known.collect::<Vec<_>>().join(", ");
            let help = format!(
                "{}The capabilities are {known} and image:NAME, the latter in quotes",
                near.unwrap_or_default()
            );
            mistakes.add(each.name_span, format!("`{}` is no capability", each.name), help);
        } else if each.word.text().trim().is_empty() {
            let help = "say why it lacks it: reports show that";
            mistakes.add(each.word.span(), format!("no reason why it lacks `{}`", each.name), help);
        } else {
            lacks.insert(each.name.to_owned(), each.word.text().to_owned());
        }
    }
    lacks
}

/// A text that becomes part of names and of JSON as it is.
fn word(entry: &Reader<'_>, key: &str, mistakes: &mut Mistakes) -> Option<String> {
    let text = entry.string(key, mistakes)?;
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter);
    let begins = text.starts_with(|letter: char| letter.is_ascii_lowercase());
    if !begins || !text.chars().all(fits) || text.len() > 40 {
        let help = "at most 40 small letters, digits, dots, dashes and underscores, a letter first";
        mistakes.add(entry.span_of(key), format!("`{key}` cannot be `{text}`"), help);
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<BTreeMap<String, Endpoint>, Vec<Mistake>> {
        let dir = tempfile::tempdir().unwrap();
        for (file, name) in
            [("account.pem", "cert.pem"), ("client-key.pem", "key.pem"), ("server.pem", "ca.pem")]
        {
            for folder in ["whole", "home/whole", "half", "bare"] {
                std::fs::create_dir_all(dir.path().join(folder)).unwrap();
                if folder.ends_with("whole") || (folder == "half" && name == "cert.pem") {
                    std::fs::copy(format!("fixtures/tls/{file}"), dir.path().join(folder).join(name))
                        .unwrap();
                }
            }
        }
        parse("engines.toml", text, Folders { here: dir.path(), home: Some(&dir.path().join("home")) })
    }

    #[test]
    fn an_entry_says_how_an_engine_is_reached() {
        let text = "[engines.dc]\naddress = \"tcp://dc.example.com:2376\"\ncertificates = \"~/whole\"\n\
                    api = [\"1.21\"]\ntimeout-factor = 10\njobs = 2\nimages = { busybox = \"busybox:latest\" }\n\
                    lacks = { \"image:server\" = \"there is none\" }\nlabel = \"com.example.run\"\nname-prefix = \"ci-\"\n\
                    [engines.other]\naddress = \"https://10.0.0.1:2376\"\nverify = false\n\
                    [engines.docker]\naddress = \"unix:///x.sock\"\n";
        let found = parsed(text).unwrap();
        let dc = &found["dc"];
        let Address::Tls(tls) = &dc.address else { panic!("{:?}", dc.address) };
        assert!(tls.is_verified() && tls.host == "dc.example.com:2376" && dc.api.len() == 1);
        assert_eq!((dc.timeout_factor, dc.jobs), (10.0, Some(2)));
        assert_eq!((dc.label.as_str(), dc.prefix.as_str()), ("com.example.run", "ci-"));
        assert_eq!(dc.lacks["image:server"], "there is none");
        assert!(matches!(&found["other"].address, Address::Tls(tls) if !tls.is_verified()));
        assert_eq!(found["docker"].address.to_string(), "unix:///x.sock");
        assert_eq!(
            (found["docker"].label.as_str(), found["docker"].prefix.as_str()),
            ("divergence.run", "dv-")
        );
    }

    #[test]
    fn every_mistake_has_its_place_and_advice() {
        // The lines below the address, what is said, the text under the caret, and the advice.
        let table = [
            ("certificates = \"none\"", "failed to read", "\"none\"", "DOCKER_CERT_PATH"),
            ("certificates = \"half\"", "has cert.pem and no key.pem", "\"half\"", "DOCKER_CERT_PATH"),
            ("certificates = \"bare\"", "ca.pem is not there", "\"bare\"", "verify = false"),
            ("verify = false", "without `certificates`", "verify", "certificates ="),
            ("certificates = 3", "expects a string", "3", "write certificates"),
            ("certificate = \"x\"", "unknown key", "certificate", "`certificates`"),
            ("timeout-factor = 0", "no positive number", "0", "multiplies"),
            ("timeout-factor = -1.5", "no positive number", "-1.5", "multiplies"),
            ("timeout-factor = nan", "no positive number", "nan", "multiplies"),
            ("budget = 0", "`budget` is 0", "0", "leave it out"),
            ("jobs = 0", "`jobs` is 0", "0", "leave it out"),
            ("api = \"1.21\"", "expects a list", "\"1.21\"", "write api"),
            ("api = [\"v1\"]", "no API version", "\"v1\"", "1.24"),
            ("lacks = { registy = \"x\" }", "no capability", "registy", "`registry`"),
            ("lacks = { registry = \" \" }", "no reason", "\" \"", "say why"),
            ("label = \"a b\"", "cannot be `a b`", "\"a b\"", "small letters"),
            ("name-prefix = \"-x\"", "cannot be `-x`", "\"-x\"", "letter first"),
        ];
        for (line, message, under, help) in table {
            let text = format!("[engines.dc]\naddress = \"tcp://h:2376\"\n{line}\n");
            let mistakes = parsed(&text).unwrap_err();
            let mistake = &mistakes[0];
            assert_eq!(mistakes.len(), 1, "{line}: {mistakes:?}");
            assert!(mistake.message.contains(message), "{line}: {}", mistake.message);
            assert!(mistake.help.contains(help), "{line}: {}", mistake.help);
            assert_eq!(&text[mistake.span.clone().unwrap()], under, "{line}");
        }
        for (address, rest, message) in [
            ("https://h:1", "", "TLS needs"),
            ("unix:///x", "certificates = \"whole\"", "no TLS"),
            ("http://h:1", "certificates = \"whole\"", "no TLS"),
            ("tcp://h", "certificates = \"whole\"", "needs a port"),
        ] {
            let text = format!("[engines.dc]\naddress = \"{address}\"\n{rest}\n");
            let mistakes = parsed(&text).unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].message.contains(message), "{address}: {mistakes:?}");
            assert_eq!(&text[mistakes[0].span.clone().unwrap()], format!("\"{address}\""));
        }
    }
}
