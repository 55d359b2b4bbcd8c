//! What stands before a call of sdc-docker: maintenance, outages, and who the account is
//! (sdc-docker `lib/docker.js:153-158`). The world says how each of them is.

use hyper::Method;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use toml_edit::Table;

use super::answer::Answer;
use super::call::Call;
use super::certificate::Certificate;
use super::route::Route;

/// How the gate is: open, unless the world says otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// In maintenance nothing can be changed; this is the text of it, "" for the usual one.
    pub read_only: Option<String>,
    /// When maintenance ends, as `Retry-After` has it.
    pub until: Option<String>,
    /// Whether a service behind is out.
    pub outage: bool,
    /// The account may not use this data center; this is why, "" for no reason.
    pub forbidden: Option<String>,
    /// The account is not approved for provisioning.
    pub unapproved: bool,
    /// The account has used its quota up.
    pub over_quota: bool,
}

impl Gate {
    /// Reads the table `gate` of a world.
    pub fn read(table: &Table) -> Result<Gate, String> {
        let mut gate = Gate::default();
        for (key, item) in table.iter() {
            let text = item.as_str().map(str::to_owned).ok_or_else(|| format!("{key}: a string is needed"));
            let flag = item.as_bool().ok_or_else(|| format!("{key}: true or false is needed"));
            match key {
                "read-only" => gate.read_only = Some(text?),
                "until" => gate.until = Some(text?),
                "outage" => gate.outage = flag?,
                "forbidden" => gate.forbidden = Some(text?),
                "unapproved" => gate.unapproved = flag?,
                "over-quota" => gate.over_quota = flag?,
                _ => return Err(format!("gate.{key}: there is no such key")),
            }
        }
        Ok(gate)
    }
}

/// What is asked before the version of a call, in order.
pub fn check(call: &mut Call, route: Route) -> Result<(), Answer> {
    let service = std::sync::Arc::clone(&call.service);
    let gate = &service.world.gate;
    if let Some(text) = &gate.read_only
        && call.method != Method::GET
        && call.on("read-only-mode-503")
    {
        let usual = "docker service is currently in read-only mode for maintenance";
        let refused = Answer::error(503, if text.is_empty() { usual } else { text.as_str() });
        return Err(match &gate.until {
            Some(until) => refused.with("Retry-After", until.as_str()),
            None => refused,
        });
    }
    if gate.outage && call.on("service-unavailable-503") {
        return Err(Answer::coded(503, "ServiceUnavailableError", "service is currently unavailable"));
    }
    let token = call.header("x-auth-token").filter(|token| !token.is_empty()).map(str::to_owned);
    if let Some(token) = &token
        && call.on("x-auth-token-header")
    {
        match &service.world.second {
            Some((account, its)) if token == its => call.account.clone_from(account),
            Some(_) | None => return Err(Answer::error(401, "Unauthorized")),
        }
    }
    if service.world.tls.is_some() && token.is_none() {
        let is_open = matches!(route, Route::Version | Route::Info) && !call.on("version-and-info-need-auth");
        if !is_open && let Err(why) = identify(call) {
            return Err(Answer::error(401, why));
        }
    }
    match &gate.forbidden {
        Some(why) if call.on("account-forbidden-403") => Err(match why.as_str() {
            "" => Answer::error(403, "Forbidden"),
            why => Answer::error(403, format!("Forbidden ({why})")),
        }),
        _ => Ok(()),
    }
}

/// Whose certificate a client behind TLS shows: its name is the login of the account, and its key one of
/// the account's (sdc-docker `lib/auth.js:53-243`).
fn identify(call: &Call) -> Result<(), &'static str> {
    let login = call.service.world.account.as_str();
    let shown = call.peer.as_ref().and_then(|peer| peer.certificate.as_deref()).and_then(Certificate::read);
    let Some(shown) = shown else {
        return if call.on("tls-client-cert-is-the-account") { Err("Unauthorized") } else { Ok(()) };
    };
    let is_expired = shown.is_for_docker && shown.is_expired(time::OffsetDateTime::now_utc());
    if is_expired && call.on("client-cert-expiry") {
        return Err("Client certificate expired");
    }
    let is_of_a_user = shown.login.strip_prefix(login).is_some_and(|user| user.starts_with('/'));
    let is_known = shown.login == login || (is_of_a_user && !call.on("sub-user-logins-unsupported"));
    let is_theirs = account_key().is_some_and(|key| key == shown.key);
    match is_known && is_theirs {
        true => Ok(()),
        false if is_theirs || call.on("tls-client-cert-is-the-account") => Err("Unauthorized"),
        false => Ok(()),
    }
}

/// The key that the account of a world with TLS has.
fn account_key() -> Option<Vec<u8>> {
    let pem = include_bytes!("../../fixtures/tls/account.pem");
    Some(Certificate::read(&CertificateDer::from_pem_slice(pem).ok()?)?.key)
}

/// Whether the account may make containers, pull and build (sdc-docker `lib/common.js:446-458`).
pub fn approved(call: &mut Call) -> Result<(), Answer> {
    match call.service.world.gate.unapproved {
        true => {
            let account = &call.account;
            let text = format!("{account} does not have permission to pull or provision");
            Err(Answer::coded(403, "NotAuthorized", text))
        }
        false => Ok(()),
    }
}

/// Whether the account has quota left (sdc-docker `plugins/provision_limits.js:837`).
pub fn within_quota(call: &mut Call) -> Result<(), Answer> {
    let text = "Quota exceeded; to have your limits raised please contact Support";
    match call.service.world.gate.over_quota {
        true => Err(Answer::coded(403, "NotAuthorized", text)),
        false => Ok(()),
    }
}

/// The same of pulls and builds, before anything of their own.
pub fn approved_first(call: &mut Call, route: Route) -> Result<(), Answer> {
    match route {
        Route::ImageCreate | Route::Build if call.on("account-not-approved-403") => approved(call),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_is_open_unless_a_world_says_otherwise() {
        let document: toml_edit::DocumentMut = "read-only = \"\"\noutage = true\n".parse().unwrap();
        let gate = Gate::read(document.as_table()).unwrap();
        assert_eq!((gate.read_only.as_deref(), gate.outage, gate.unapproved), (Some(""), true, false));
        let document: toml_edit::DocumentMut = "readonly = true".parse().unwrap();
        assert_eq!(Gate::read(document.as_table()).unwrap_err(), "gate.readonly: there is no such key");
    }
}
