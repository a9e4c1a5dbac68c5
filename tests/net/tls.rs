//! Whom TLS trusts.

use std::thread;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, HandshakeKind};
use wirespeed::net::stream::{Duplex, TlsStream};
use wirespeed::net::tls::{TlsClient, TlsError, TlsServer};

use crate::certificates::{Authority, certificate};
use crate::streams::tcp_pair;

type Handshake = Result<TlsStream<std::net::TcpStream>, TlsError>;

fn handshake(client: &TlsClient, server: &TlsServer, name: &str) -> (Handshake, Handshake) {
    let (one, two) = tcp_pair();
    let config = server.config().clone();
    let server = thread::spawn(move || TlsStream::accept(two, config, None));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = TlsStream::connect(one, client.config().clone(), name, None);
    (client, server.join().unwrap())
}

fn refusal(handshake: Handshake) -> rustls::Error {
    match handshake {
        Err(TlsError::Handshake(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn r3_the_server_sees_the_name_it_is_asked_for() {
    let authority = Authority::new();
    let server = authority.server(&["feed.example", "127.0.0.1"]);
    let (client, accepted) = handshake(&authority.client(), &server, "feed.example");
    client.unwrap();
    let name = accepted.unwrap().with_session(|session| match session {
        rustls::Connection::Server(server) => server.server_name().map(str::to_owned),
        rustls::Connection::Client(_) => unreachable!("a server was made"),
    });
    assert_eq!(name.as_deref(), Some("feed.example"));
    // An address is checked as well, though SNI has no form for it.
    let (client, _) = handshake(&authority.client(), &server, "127.0.0.1");
    client.unwrap();
}

#[test]
fn r3_an_unknown_authority_is_refused() {
    let server = Authority::new().server(&["localhost"]);
    for client in [Authority::new().client(), TlsClient::new().unwrap()] {
        let (refused, server) = handshake(&client, &server, "localhost");
        let error = refusal(refused);
        assert_eq!(error, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(matches!(refusal(server), rustls::Error::AlertReceived(_)), "the server is told");
    }
}

#[test]
fn r3_a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"]);
    for name in ["localhost.example", "127.0.0.1"] {
        let (refused, _) = handshake(&authority.client(), &server, name);
        let error = refusal(refused);
        let rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) =
            error
        else {
            panic!("{error:?}")
        };
    }
}

#[test]
fn r3_an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let server = authority.issue_expired(&["localhost"]).server();
    let (refused, _) = handshake(&authority.client(), &server, "localhost");
    let error = refusal(refused);
    let rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. }) = error else {
        panic!("{error:?}")
    };
}

#[test]
fn clones_of_a_client_resume_each_others_sessions() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"]);
    let client = authority.client();
    let mut kinds = Vec::new();
    for client in [client.clone(), client] {
        let (connected, accepted) = handshake(&client, &server, "localhost");
        let (connected, accepted) = (connected.unwrap(), accepted.unwrap());
        // Session tickets travel with the first data.
        accepted.write_vectored(&[std::io::IoSlice::new(b"hello")]).unwrap();
        connected.read(&mut [0; 5]).unwrap();
        kinds.push(connected.with_session(|session| session.handshake_kind()));
    }
    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
}

#[test]
fn a_client_shows_its_certificate() {
    let authority = Authority::new();
    let identity = authority.issue(&["client.example"]);
    let server = authority.asking_server(&["localhost"], false);
    let client = authority.client_with(&identity);
    let (_client, accepted) = handshake(&client, &server, "localhost");
    let shown =
        accepted.unwrap().with_session(|session| session.peer_certificates().unwrap()[0].clone());
    assert_eq!(shown, certificate(&identity.chain));
    let (_, refused) = handshake(&authority.client(), &server, "localhost");
    assert_eq!(refusal(refused), rustls::Error::NoCertificatesPresented);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    let authority = Authority::new();
    let one = authority.issue(&["localhost"]);
    let other = authority.issue(&["localhost"]);
    let nothing = TlsClient::builder().default_roots(false).build();
    assert!(matches!(nothing, Err(TlsError::NoRoots)));
    let no_certificate = TlsClient::builder().add_authority_pem(one.key.as_bytes());
    assert!(matches!(no_certificate, Err(TlsError::NoCertificate)));
    let no_key = TlsServer::from_pem(one.chain.as_bytes(), one.chain.as_bytes());
    assert!(matches!(no_key, Err(TlsError::NoPrivateKey)));
    let mismatch = TlsServer::from_pem(one.chain.as_bytes(), other.key.as_bytes());
    assert!(matches!(mismatch, Err(TlsError::Configuration(_))));
    let no_file = TlsServer::from_pem_files("/nowhere/cert.pem", "/nowhere/key.pem");
    assert!(no_file.unwrap_err().to_string().contains("/nowhere/cert.pem"));
    let malformed = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    assert!(matches!(TlsClient::builder().add_authority_pem(malformed), Err(TlsError::Pem(_))));
}
