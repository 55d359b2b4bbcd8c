//! What sdc-docker reads in a client's certificate: whose it is, its key, its purpose and its end.

use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The purpose `joyentDocker`.
const PURPOSE: Oid<'_> = oid!(1.3.6.1.4.1.38678.1.4.1);

/// A certificate as far as it is read.
#[derive(Debug, PartialEq)]
pub struct Certificate {
    /// The login: the CN of its subject.
    pub login: String,
    /// Its public key.
    pub key: Vec<u8>,
    /// Whether it was made for the Docker API of Triton.
    pub is_for_docker: bool,
    /// Its end, in seconds since 1970.
    pub end: i64,
}

impl Certificate {
    /// Reads a certificate; none where it is no such thing.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let purposes = read.extended_key_usage().ok().flatten().map(|usage| &usage.value.other);
        Some(Certificate {
            login: read.subject().iter_common_name().next()?.as_str().ok()?.to_owned(),
            key: read.public_key().raw.to_vec(),
            is_for_docker: purposes.is_some_and(|others| others.contains(&PURPOSE)),
            end: read.validity().not_after.timestamp(),
        })
    }

    /// Whether its end is past.
    pub fn is_expired(&self, now: time::OffsetDateTime) -> bool {
        self.end < now.unix_timestamp()
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn read(pem: &str) -> Certificate {
        Certificate::read(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn certificates_tell_whose_they_are_and_until_when() {
        let account = read(include_str!("../../fixtures/tls/account.pem"));
        let expired = read(include_str!("../../fixtures/tls/expired.pem"));
        let sub_user = read(include_str!("../../fixtures/tls/sub-user.pem"));
        let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        assert_eq!((account.login.as_str(), account.is_for_docker), ("admin", false));
        assert!(!account.is_expired(now) && expired.is_expired(now) && expired.is_for_docker);
        assert_eq!(expired.end, 1_577_923_200, "the second of January 2020");
        assert_eq!((sub_user.login.as_str(), &sub_user.key), ("admin/developer", &account.key));
        assert_eq!(Certificate::read(b"\x30\x05nothing"), None);
    }
}
