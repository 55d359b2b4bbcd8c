//! Engines behind TLS: which servers are believed, which clients are let in, and what is said of
//! those that are not. Against servers of the tests' own; nothing live is needed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::path::Path;
use std::sync::Arc;

use divergence::engine::address::Address;
use divergence::engine::credentials::Credentials;
use divergence::engine::{Endpoint, EngineError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/tls/{name}.pem"))
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(fixture(name)).unwrap()
}

/// How a server of the tests' own is.
struct Server {
    /// The certificate that it shows; "" speaks no TLS.
    shows: &'static str,
    /// Whether it demands a certificate that `ca.pem` signed, as stock Docker with `--tlsverify`.
    demands: bool,
    speaks: &'static SupportedProtocolVersion,
    answer: &'static str,
}

const DOCKER: &str = "200 {\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}";
const PLAIN: Server = Server { shows: "signed", demands: false, speaks: &version::TLS13, answer: DOCKER };

/// Answers every connection alike, and returns the port.
async fn serve(server: Server) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = (!server.shows.is_empty()).then(|| acceptor(&server));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            match &acceptor {
                None => answer(stream, server.answer).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream, server.answer).await;
                    }
                }
            }
        }
    });
    port
}

fn acceptor(server: &Server) -> TlsAcceptor {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[server.speaks])
        .unwrap();
    let builder = match server.demands {
        false => builder.with_no_client_auth(),
        true => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap(),
        ),
    };
    let key = PrivateKeyDer::from_pem_file(fixture("server-key")).unwrap();
    let config = builder.with_single_cert(vec![certificate(server.shows)], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let is_over = stream.read_buf(&mut head).await.unwrap_or(0) == 0;
        // What is no HTTP is answered at once, as servers do.
        if is_over || !head.starts_with(b"GET ") {
            break;
        }
    }
    let is_version = String::from_utf8_lossy(&head).starts_with("GET /version ");
    let (status, body) = if is_version { answer.split_once(' ').unwrap() } else { ("404", "") };
    let length = body.len();
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A folder of certificates: the files that a client shows, and whom it believes.
fn folder(shown: &str, authority: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let put = |from: &str, name: &str| std::fs::copy(fixture(from), dir.path().join(name)).unwrap();
    if !shown.is_empty() {
        put(shown, "cert.pem");
        put("client-key", "key.pem");
    }
    if !authority.is_empty() {
        put(authority, "ca.pem");
    }
    dir
}

async fn identified(port: u16, shown: &str, authority: &str, verify: bool) -> Result<String, EngineError> {
    let dir = folder(shown, authority);
    let credentials = Credentials::read(dir.path(), verify)?;
    let address = Address::behind_tls(&format!("tcp://127.0.0.1:{port}"), &credentials)?;
    Ok(Endpoint::new(address).identify().await?.to_string())
}

fn told(outcome: &Result<String, EngineError>) -> String {
    match outcome {
        Ok(engine) => engine.clone(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_server_is_believed_when_it_is_verified_or_need_not_be() {
    // What the server shows, what ca.pem holds, and what is said of it.
    let table = [
        ("signed", "ca", "docker 20.10.24"),
        // As sdc-docker hands its own certificate out.
        ("server", "server", "docker 20.10.24"),
        ("signed", "account", "its certificate is signed by nobody in ca.pem"),
        ("server", "ca", "its certificate is signed by nobody in ca.pem"),
        ("past", "ca", "its certificate has expired, on 2020-01-02"),
        ("past", "past", "its certificate has expired, on 2020-01-02"),
        ("elsewhere", "ca", "its certificate is not for `127.0.0.1`, but for"),
        ("elsewhere", "elsewhere", "its certificate is not for `127.0.0.1`, but for"),
        ("nameless", "ca", "its certificate names no host"),
    ];
    for (shows, authority, expected) in table {
        for speaks in [&version::TLS12, &version::TLS13] {
            let port = serve(Server { shows, speaks, ..PLAIN }).await;
            let verified = told(&identified(port, "", authority, true).await);
            assert!(verified.contains(expected), "{shows} by {authority}: {verified}");
            if !expected.starts_with("docker") {
                assert!(verified.contains("verify = false"), "{verified}");
            }
            let unverified = told(&identified(port, "", "", false).await);
            assert!(unverified.contains("docker 20.10.24"), "{shows}: {unverified}");
        }
    }
}

#[tokio::test]
async fn a_client_is_let_in_with_the_certificate_that_is_demanded() {
    let table = [
        ("client", "docker 20.10.24"),
        ("", "it demands a client certificate, and none was shown"),
        ("account", "it refuses the client certificate"),
    ];
    // With TLS 1.3 a client hears of its refusal only once it has sent its request.
    for (shown, expected) in table {
        let port = serve(Server { demands: true, ..PLAIN }).await;
        let outcome = identified(port, shown, "ca", true).await;
        assert!(told(&outcome).contains(expected), "{shown}: {}", told(&outcome));
        if let Err(error) = outcome {
            assert!(matches!(error, EngineError::Connect { .. }) && error.to_string().contains("cert.pem"));
        }
    }
    let port = serve(Server { demands: true, speaks: &version::TLS12, ..PLAIN }).await;
    assert!(told(&identified(port, "client", "ca", true).await).contains("docker"));
    assert!(told(&identified(port, "account", "ca", true).await).contains("refuses the client certificate"));
}

#[tokio::test]
async fn a_401_says_what_the_engine_said_and_what_to_do() {
    let port = serve(Server { answer: "401 Unauthorized (2a7b)", ..PLAIN }).await;
    let refused = told(&identified(port, "account", "ca", true).await);
    assert!(refused.contains("a 401: Unauthorized (2a7b); see that cert.pem"), "{refused}");
}

#[tokio::test]
async fn what_speaks_no_tls_is_told_from_what_does() {
    let plain = serve(Server { shows: "", ..PLAIN }).await;
    let refused = told(&identified(plain, "", "ca", true).await);
    assert!(refused.contains("it does not speak TLS there"), "{refused}");
    let behind = serve(PLAIN).await;
    let unasked = Endpoint::new(format!("tcp://127.0.0.1:{behind}").parse().unwrap()).identify().await;
    assert!(unasked.unwrap_err().to_string().contains("does it speak TLS?"));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let silent = told(&identified(port, "", "ca", true).await);
    assert!(silent.contains("refused") && silent.contains("check host and port"), "{silent}");
}

#[test]
fn certificates_that_cannot_be_used_are_refused_before_anything_is_asked() {
    let read = |shown: &str, authority: &str, change: fn(&Path)| {
        let dir = folder(shown, authority);
        change(dir.path());
        let credentials = Credentials::read(dir.path(), true).map_err(EngineError::from);
        let address = credentials.and_then(|credentials| Address::behind_tls("tcp://h:1", &credentials));
        address.unwrap_err().to_string()
    };
    type Change = fn(&Path);
    let no_key: Change = |dir| std::fs::remove_file(dir.join("key.pem")).unwrap();
    let odd_key: Change = |dir| std::fs::write(dir.join("key.pem"), "x").unwrap();
    let odd_authority: Change = |dir| std::fs::write(dir.join("ca.pem"), "x").unwrap();
    let other_key: Change = |dir| {
        std::fs::copy(fixture("server-key"), dir.join("key.pem")).unwrap();
    };
    let table = [
        ("", (|_| ()) as Change, "ca.pem is not there"),
        ("ca", no_key, "cert.pem and no key.pem"),
        ("ca", odd_key, "no private key"),
        ("ca", odd_authority, "no certificate in PEM"),
        ("ca", other_key, "do not go together"),
    ];
    for (authority, change, expected) in table {
        let told = read("client", authority, change);
        assert!(told.contains(expected), "{told}");
    }
}
