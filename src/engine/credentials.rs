//! What a client shows to an engine behind TLS and which servers it believes: three files of a folder,
//! named as docker names them. Opens no connection.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The files of a folder of certificates: the client's certificate and key, and who signs servers.
pub const FILES: [&str; 3] = ["cert.pem", "key.pem", "ca.pem"];

/// What a client shows and whom it believes.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The certificate with what leads to its signer, and its key; none shows nothing.
    pub(super) shown: Option<(Vec<CertificateDer<'static>>, Arc<PrivateKeyDer<'static>>)>,
    /// The certificates that a server's has to be, or to be signed by; none believes anybody.
    pub(super) authorities: Option<Vec<CertificateDer<'static>>>,
    /// The folder that all of this was read from.
    pub folder: Option<PathBuf>,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("read {path}: {why}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// One of two files that only serve together.
    #[error("use the certificates in {folder}: it has {there} and no {missing}")]
    Half {
        /// The folder.
        folder: PathBuf,
        /// The file that is there.
        there: &'static str,
        /// The file that is not.
        missing: &'static str,
    },
    /// The server is to be verified, and there is nothing to do it with.
    #[error("verify servers: {} is not there", .0.display())]
    NoAuthority(PathBuf),
}

impl Credentials {
    /// Reads a folder. A client without `cert.pem` and `key.pem` shows nothing; `ca.pem` is needed
    /// only to verify servers.
    pub fn read(folder: &Path, verify: bool) -> Result<Credentials, CredentialsError> {
        // An absent folder would read as one without certificates.
        if let Err(source) = std::fs::read_dir(folder) {
            return Err(CredentialsError::Read { path: folder.to_owned(), source });
        }
        let [certificate, key, authority] = FILES.map(|name| folder.join(name));
        let half = |there, missing| CredentialsError::Half { folder: folder.to_owned(), there, missing };
        let shown = match (bytes_of(&certificate)?, bytes_of(&key)?) {
            (None, None) => None,
            (Some(_), None) => return Err(half("cert.pem", "key.pem")),
            (None, Some(_)) => return Err(half("key.pem", "cert.pem")),
            (Some(chain), Some(secret)) => {
                let advice =
                    "it holds no private key that can be used; an encrypted one has to be decrypted first";
                let secret = PrivateKeyDer::from_pem_slice(&secret)
                    .map_err(|_| CredentialsError::Pem { path: key, why: advice.to_owned() })?;
                Some((certificates(&certificate, &chain)?, Arc::new(secret)))
            }
        };
        let authorities = match (verify, bytes_of(&authority)?) {
            (false, _) => None,
            (true, None) => return Err(CredentialsError::NoAuthority(authority)),
            (true, Some(bytes)) => Some(certificates(&authority, &bytes)?),
        };
        Ok(Credentials { shown, authorities, folder: Some(folder.to_owned()) })
    }

    /// This certificate and key in PEM, and any server believed. The error is for people.
    pub fn showing(certificate: &[u8], key: &[u8]) -> Result<Credentials, String> {
        let chain = certificates(Path::new("the certificate"), certificate).map_err(|e| e.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| error.to_string())?;
        Ok(Credentials { shown: Some((chain, Arc::new(key))), ..Credentials::default() })
    }

    /// Whether servers are verified.
    pub fn verifies(&self) -> bool {
        self.authorities.is_some()
    }
}

/// The bytes of a file that may be absent.
fn bytes_of(path: &Path) -> Result<Option<Vec<u8>>, CredentialsError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CredentialsError::Read { path: path.to_owned(), source }),
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let unreadable = |why: String| CredentialsError::Pem { path: path.to_owned(), why };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(unreadable("it holds no certificate in PEM".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(format!("it is no PEM ({error})"))),
    }
}

impl fmt::Debug for Credentials {
    /// Without the key, which is nobody's business.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = (self.shown.is_some(), self.verifies());
        write!(out, "Credentials(shown: {}, verifies: {}, {:?})", words.0, words.1, self.folder)
    }
}
