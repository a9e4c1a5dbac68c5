//! Certificates made for one test run.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use wirespeed::net::tls::{TlsClient, TlsClientBuilder, TlsServer};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A certificate authority of our own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM texts.
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Authorities are told apart by name before any signature is checked.
        let name = format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, names: &[&str]) -> Identity {
        self.sign(params(names))
    }

    pub(crate) fn issue_expired(&self, names: &[&str]) -> Identity {
        let mut params = params(names);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this authority alone.
    pub(crate) fn client_builder(&self) -> TlsClientBuilder {
        TlsClient::builder().default_roots(false).add_authority_pem(self.pem().as_bytes()).unwrap()
    }

    pub(crate) fn client(&self) -> TlsClient {
        self.client_builder().build().unwrap()
    }

    pub(crate) fn server(&self, names: &[&str]) -> TlsServer {
        self.issue(names).server()
    }

    /// A server that asks its clients for a certificate of this authority, and takes
    /// those that have none, or not.
    pub(crate) fn asking_server(&self, names: &[&str], takes_all: bool) -> TlsServer {
        let identity = self.issue(names);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.pem())).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let verifier = if takes_all { verifier.allow_unauthenticated() } else { verifier };
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate(&identity.chain)], key);
        TlsServer::from(config.unwrap())
    }

    /// A client that trusts this authority and shows `identity`.
    pub(crate) fn client_with(&self, identity: &Identity) -> TlsClient {
        let (chain, key) = (identity.chain.as_bytes(), identity.key.as_bytes());
        self.client_builder().identity_pem(chain, key).unwrap().build().unwrap()
    }
}

impl Identity {
    pub(crate) fn server(&self) -> TlsServer {
        TlsServer::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

pub(crate) fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}
