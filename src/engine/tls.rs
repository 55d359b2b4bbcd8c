//! TLS to an engine: opening a connection with credentials, and telling in plain words why one could
//! not be opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error};

use super::address::name_of;
use super::credentials::Credentials;
use super::verifier;

/// `host:port` behind TLS.
#[derive(Clone)]
pub struct Tls {
    /// Host and port.
    pub host: String,
    shared: Arc<Shared>,
}

/// What all addresses of one engine have in common: errors carry them, and are to stay small.
struct Shared {
    folder: Option<PathBuf>,
    is_verified: bool,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// An address behind TLS. The error is for people.
    pub fn new(host: String, credentials: &Credentials) -> Result<Tls, String> {
        let said = |error: &dyn fmt::Display| error.to_string();
        let provider = Arc::new(default_provider());
        let verifier = verifier::of(credentials.authorities.as_deref(), &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| said(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &credentials.shown {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| format!("cert.pem and key.pem do not go together: {error}"))?,
        };
        let (folder, is_verified) = (credentials.folder.clone(), credentials.verifies());
        Ok(Tls { host, shared: Arc::new(Shared { folder, is_verified, config: Arc::new(config) }) })
    }

    /// The folder of the certificates, for who repeats a request by hand.
    pub fn folder(&self) -> Option<&Path> {
        self.shared.folder.as_deref()
    }

    /// Whether the server is verified.
    pub fn is_verified(&self) -> bool {
        self.shared.is_verified
    }

    /// Opens a connection.
    pub async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.host).await?;
        let _ = stream.set_nodelay(true);
        let name = ServerName::try_from(name_of(&self.host).to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.shared.config)).connect(name, stream).await
    }
}

/// What the other side says against a client once TLS is spoken: with TLS 1.3 that comes only
/// after the connection has been opened.
pub fn is_alert(error: &io::Error) -> bool {
    matches!(tls_error(error), Some(Error::AlertReceived(_)))
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

/// What went wrong with TLS and what to do, in plain words; none where it is not TLS that failed.
pub fn explained(error: &io::Error, host: &str) -> Option<(String, &'static str)> {
    const CERTIFICATE: &str =
        "see that `certificates` (or DOCKER_CERT_PATH) has the cert.pem and key.pem that this engine knows";
    const UNVERIFIED: &str = "put the right certificate into ca.pem, or believe the server as it is: verify = false in engines.toml";
    const SPOKEN: &str = "check host and port, and that the engine listens there with TLS";
    let name = name_of(host);
    let found = match tls_error(error)? {
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                ("it demands a client certificate, and none was shown".to_owned(), CERTIFICATE)
            }
            AlertDescription::UnknownCA => {
                ("it refuses the client certificate: it does not know who signed it".to_owned(), CERTIFICATE)
            }
            AlertDescription::CertificateExpired => {
                ("it refuses the client certificate: it has expired".to_owned(), CERTIFICATE)
            }
            AlertDescription::BadCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => {
                (format!("it refuses the client certificate (TLS alert {alert:?})"), CERTIFICATE)
            }
            other => (format!("it ended the TLS handshake (alert {other:?})"), SPOKEN),
        },
        Error::InvalidCertificate(why) => (server_certificate(why, name), UNVERIFIED),
        Error::InvalidMessage(_) => ("it does not speak TLS there".to_owned(), SPOKEN),
        other => (other.to_string(), SPOKEN),
    };
    Some(found)
}

fn server_certificate(why: &CertificateError, name: &str) -> String {
    let day = |seconds: u64| {
        let at = time::OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap_or(i64::MAX));
        at.map_or_else(|_| "some day".to_owned(), |at| at.date().to_string())
    };
    match why {
        CertificateError::UnknownIssuer => "its certificate is signed by nobody in ca.pem".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired, on {}", day(not_after.as_secs()))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}", day(not_before.as_secs()))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!("its certificate names no host (a common name is not enough), so it is not for `{name}`")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is not for `{name}`, but for {}", presented.join(", "))
        }
        other => format!("its certificate cannot be verified: {other}"),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tls({})", self.host)
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Tls) -> bool {
        self.host == other.host && Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for Tls {}
