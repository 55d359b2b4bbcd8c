//! The accounts of registries that `docker login` has noted, for what a run pulls. Never shown.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What the registry of images without a host is called in Docker's configuration.
const HUB: &str = "https://index.docker.io/v1/";

/// User and password by registry.
#[derive(Clone, Default)]
pub struct Logins(BTreeMap<String, (String, String)>);

impl Logins {
    /// Those in a `config.json`; what a credential helper keeps is not among them.
    pub fn of(config: &Value) -> Logins {
        let auths = config["auths"].as_object().into_iter().flatten();
        let known = auths.filter_map(|(registry, entry)| {
            let decoded = STANDARD.decode(entry["auth"].as_str()?).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            let (user, password) = text.split_once(':')?;
            Some((registry.clone(), (user.to_owned(), password.trim_end_matches('\0').to_owned())))
        });
        Logins(known.collect())
    }

    /// The registry that an image comes from, with user and password, if there is a login for it.
    pub fn of_image(&self, image: &str) -> Option<(&str, &str, &str)> {
        let host = image.split_once('/').map(|(first, _)| first);
        let host = host.filter(|first| first.contains(['.', ':']) || *first == "localhost");
        let (registry, (user, password)) = self.0.get_key_value(host.unwrap_or(HUB))?;
        Some((registry, user, password))
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_image_names_its_registry() {
        let auth = |text: &str| json!({"auth": STANDARD.encode(text)});
        let auths = json!({"127.0.0.1:5000": auth("me:pass:word"), HUB: auth("hub:x"), "odd": {}});
        let logins = Logins::of(&json!({ "auths": auths }));
        let table = [
            ("127.0.0.1:5000/a/b:1", Some(("127.0.0.1:5000", "me", "pass:word"))),
            ("busybox:latest", Some((HUB, "hub", "x"))),
            ("some/busybox", Some((HUB, "hub", "x"))),
            ("quay.io/busybox", None),
        ];
        for (image, expected) in table {
            assert_eq!(logins.of_image(image), expected, "{image}");
        }
        assert_eq!(format!("{logins:?}"), format!("{{\"127.0.0.1:5000\", \"{HUB}\"}}"));
    }
}
