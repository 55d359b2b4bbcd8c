//! TLS to an engine, with the client certificate that is an account. As `docker --tls` does, the server
//! is not verified: sdc-docker's own certificate often cannot be.

use std::fmt;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::address::name_of;

/// `host:port` behind TLS.
#[derive(Clone)]
pub struct Tls {
    /// Host and port.
    pub host: String,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// An address behind TLS, and the certificate and key in PEM that a client shows there, if any. The
    /// error is for people.
    pub fn new(host: String, shown: Option<(&[u8], &[u8])>) -> Result<Tls, String> {
        let said = |error: &dyn fmt::Display| error.to_string();
        let provider = default_provider();
        let nobody = Arc::new(Unverified(provider.signature_verification_algorithms));
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| said(&e))?
            .dangerous()
            .with_custom_certificate_verifier(nobody);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificate = CertificateDer::from_pem_slice(certificate).map_err(|e| said(&e))?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| said(&e))?;
                builder.with_client_auth_cert(vec![certificate], key).map_err(|e| said(&e))?
            }
        };
        Ok(Tls { host, config: Arc::new(config) })
    }

    /// Opens a connection.
    pub async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(&self.host).await?;
        let _ = stream.set_nodelay(true);
        let name = ServerName::try_from(name_of(&self.host).to_owned()).map_err(std::io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tls({})", self.host)
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Tls) -> bool {
        self.host == other.host && Arc::ptr_eq(&self.config, &other.config)
    }
}

impl Eq for Tls {}

/// Takes any server that can sign with the key of its certificate.
#[derive(Debug)]
struct Unverified(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
