//! TLS in front of the simulator: every connection is passed on to its own listener, which is told
//! what certificate the client showed. Any certificate will do here, or none: who it is, is asked later
//! (sdc-docker `lib/docker.js:415-417`, `requestCert` without `rejectUnauthorized`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::service::Service;

const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/server-key.pem");

/// A client behind TLS.
#[derive(Debug)]
pub struct Peer {
    /// The certificate that it showed.
    pub certificate: Option<Vec<u8>>,
    /// Whether the end of its input leaves its output open.
    pub half_closes: AtomicBool,
}

/// The clients behind TLS, by the port from which their connections are passed on.
#[derive(Debug, Default)]
pub struct Peers(Mutex<BTreeMap<u16, Arc<Peer>>>);

impl Peers {
    /// The client of a connection.
    pub fn of(&self, port: u16) -> Option<Arc<Peer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&port).cloned()
    }

    fn enter(&self, port: u16, peer: Arc<Peer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(port, peer);
    }

    fn leave(&self, port: u16) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
}

/// What accepts connections.
pub fn acceptor() -> Result<TlsAcceptor, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).map_err(|e| said(&e))?;
    let key = PrivateKeyDer::from_pem_slice(KEY).map_err(|e| said(&e))?;
    let provider = default_provider();
    let anybody = Arc::new(Anybody(provider.signature_verification_algorithms));
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_client_cert_verifier(anybody).with_single_cert(vec![certificate], key)
        })
        .map_err(|e| said(&e))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Takes connections and passes them on.
pub async fn serve(listener: TcpListener, acceptor: TlsAcceptor, inside: SocketAddr, service: Arc<Service>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(pass_on(stream, acceptor.clone(), inside, Arc::clone(&service)));
        }
    }
}

async fn pass_on(stream: TcpStream, acceptor: TlsAcceptor, inside: SocketAddr, service: Arc<Service>) {
    let Ok(outer) = acceptor.accept(stream).await else { return };
    let certificate = outer.get_ref().1.peer_certificates().and_then(|all| all.first());
    let peer = Arc::new(Peer {
        certificate: certificate.map(|certificate| certificate.to_vec()),
        half_closes: AtomicBool::new(false),
    });
    let Ok(socket) = TcpSocket::new_v4() else { return };
    // The port is known before the connection is, so that nobody asks for its client in between.
    let bound = socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).and_then(|()| socket.local_addr());
    let Ok(port) = bound.map(|address| address.port()) else { return };
    service.peers.enter(port, Arc::clone(&peer));
    if let Ok(inner) = socket.connect(inside).await {
        let _ = inner.set_nodelay(true);
        let (mut from_client, mut to_client) = tokio::io::split(outer);
        let (mut from_inside, mut to_inside) = inner.into_split();
        let input = async {
            let _ = copy(&mut from_client, &mut to_inside).await;
            // Node ends a TLS connection whose other half has ended, unless its reading was replaced
            // (sdc-docker `lib/hijack.js:46-63`; catalogue: half-close-only-tls-upgraded).
            if peer.half_closes.load(Ordering::Relaxed) {
                let _ = to_inside.shutdown().await;
                std::future::pending::<()>().await;
            }
        };
        let output = async {
            let _ = copy(&mut from_inside, &mut to_client).await;
        };
        tokio::select! { () = input => {} () = output => {} }
        let _ = to_client.shutdown().await;
    }
    service.peers.leave(port);
}

/// Lets everybody in who can sign with the key of the certificate that is shown.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
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
