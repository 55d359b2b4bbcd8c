//! What sdc-docker reads in a client's certificate: whose it is, its key, its purpose and its end.
//! Just enough of DER for that.

/// The purpose `joyentDocker` (1.3.6.1.4.1.38678.1.4.1), whole.
const PURPOSE: &[u8] = b"\x06\x0b\x2b\x06\x01\x04\x01\x82\xae\x16\x01\x04\x01";
/// The name `CN` (2.5.4.3).
const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;

/// A certificate as far as it is read.
#[derive(Debug, PartialEq)]
pub struct Certificate {
    /// The login: the CN of its subject.
    pub login: String,
    /// Its public key.
    pub key: Vec<u8>,
    /// Whether it was made for the Docker API of Triton.
    pub is_for_docker: bool,
    /// Its end, as `20200102000000`.
    pub end: String,
}

impl Certificate {
    /// Reads a certificate; none where it is no such thing.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, whole) = Der(der).next()?;
        let (_, body) = Der(whole).next()?;
        let mut parts = Der(body).filter(|(tag, _)| *tag != VERSION).map(|(_, content)| content);
        // Serial number, algorithm and issuer come first.
        let (validity, subject, key) = (parts.nth(3)?, parts.next()?, parts.next()?);
        let (kind, end) = Der(validity).nth(1)?;
        let end = String::from_utf8_lossy(end).trim_end_matches('Z').to_owned();
        let century = match kind {
            UTC_TIME if end.as_str() >= "50" => "19",
            UTC_TIME => "20",
            _ => "",
        };
        Some(Certificate {
            login: common_name(subject)?,
            key: key.to_vec(),
            is_for_docker: der.windows(PURPOSE.len()).any(|part| part == PURPOSE),
            end: format!("{century}{end}"),
        })
    }

    /// Whether its end is past.
    pub fn is_expired(&self, now: time::OffsetDateTime) -> bool {
        let form = time::macros::format_description!("[year][month][day][hour][minute][second]");
        now.format(&form).is_ok_and(|now| self.end < now)
    }
}

fn common_name(name: &[u8]) -> Option<String> {
    Der(name).flat_map(|(_, set)| Der(set)).find_map(|(_, pair)| {
        let mut pair = Der(pair);
        let (_, kind) = pair.next()?;
        let (_, value) = pair.next()?;
        (kind == COMMON_NAME).then(|| String::from_utf8_lossy(value).into_owned())
    })
}

/// The elements of a DER sequence: tag and content.
struct Der<'a>(&'a [u8]);

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..0x80 => (usize::from(*first), rest),
            _ => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
                (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
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
        assert_eq!(expired.end, "20200102000000");
        assert_eq!((sub_user.login.as_str(), &sub_user.key), ("admin/developer", &account.key));
        assert_eq!(Certificate::read(b"\x30\x05nothing"), None);
    }
}
