//! The client's side: whom to trust, and who one is.

use std::path::Path;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::{TlsError, default_provider, pem};

/// What the TLS connections of a client share: trust, identity and the session
/// cache, through which a reconnect saves the certificates and their checks. Clones share
/// them too.
///
/// ```
/// # fn main() -> Result<(), wirespeed::net::tls::TlsError> {
/// use wirespeed::net::tls::TlsClient;
///
/// let tls = TlsClient::builder().http1_alpn(true).build()?;
/// # let _ = tls;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    for_proxies: Arc<ClientConfig>,
}

impl TlsClient {
    /// Trusts the authorities that the features bring: Mozilla's
    /// (`webpki-roots`), the system's (`native-roots`), or both.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoRoots`] or [`TlsError::NoProvider`] if the features leave
    /// one out.
    pub fn new() -> Result<Self, TlsError> {
        Self::builder().build()
    }

    /// Starts from the defaults.
    #[must_use]
    pub fn builder() -> TlsClientBuilder {
        TlsClientBuilder {
            provider: None,
            default_roots: true,
            authorities: Vec::new(),
            identity: None,
            http1_alpn: false,
        }
    }

    /// The configuration, for connections made elsewhere.
    #[must_use]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The configuration for the TLS connection to a proxy. It trusts alike, but shows
    /// no certificate: who the client is concerns the server behind.
    #[cfg_attr(not(feature = "driver"), expect(dead_code))]
    pub(crate) fn config_for_proxies(&self) -> &Arc<ClientConfig> {
        &self.for_proxies
    }
}

/// A configuration made by hand, taken as it is.
impl From<Arc<ClientConfig>> for TlsClient {
    fn from(config: Arc<ClientConfig>) -> Self {
        let mut for_proxies = ClientConfig::clone(&config);
        for_proxies.client_auth_cert_resolver = Arc::new(NoIdentity);
        Self { config, for_proxies: Arc::new(for_proxies) }
    }
}

impl From<ClientConfig> for TlsClient {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

/// Has no certificate to show.
#[derive(Debug)]
struct NoIdentity;

impl ResolvesClientCert for NoIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Builds a [`TlsClient`].
#[derive(Debug)]
pub struct TlsClientBuilder {
    provider: Option<Arc<CryptoProvider>>,
    default_roots: bool,
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    http1_alpn: bool,
}

impl TlsClientBuilder {
    /// Uses this crypto provider rather than the default one.
    #[must_use]
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Whether to trust the authorities that the features bring (by default),
    /// or only those that are added here.
    #[must_use]
    pub fn default_roots(mut self, trusted: bool) -> Self {
        self.default_roots = trusted;
        self
    }

    /// Trusts the authorities in a PEM text as well.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`] or [`TlsError::NoCertificate`].
    pub fn add_authority_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.authorities.extend(pem::certificates(pem)?);
        Ok(self)
    }

    /// Trusts the authorities in a PEM file as well.
    ///
    /// # Errors
    ///
    /// [`TlsError::File`], [`TlsError::Pem`] or [`TlsError::NoCertificate`].
    pub fn add_authority_file(self, path: impl AsRef<Path>) -> Result<Self, TlsError> {
        self.add_authority_pem(&pem::read_file(path.as_ref())?)
    }

    /// Shows the server this certificate, its chain behind it, if it asks. A proxy
    /// is not shown it.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`], [`TlsError::NoCertificate`] or
    /// [`TlsError::NoPrivateKey`].
    pub fn identity_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        self.identity = Some((pem::certificates(chain)?, pem::private_key(key)?));
        Ok(self)
    }

    /// Announces `http/1.1` as the application protocol (ALPN), which a few
    /// servers want before they take an upgrade. Off by default.
    #[must_use]
    pub fn http1_alpn(mut self, announced: bool) -> Self {
        self.http1_alpn = announced;
        self
    }

    /// Puts it all together.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoRoots`], [`TlsError::NoProvider`], or
    /// [`TlsError::Configuration`] if an authority or the identity is refused.
    pub fn build(self) -> Result<TlsClient, TlsError> {
        let mut roots = RootCertStore::empty();
        if self.default_roots {
            add_default_roots(&mut roots);
        }
        for authority in self.authorities {
            roots.add(authority).map_err(TlsError::Configuration)?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let provider = self.provider.map_or_else(default_provider, Ok)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_root_certificates(roots);
        let mut config = match self.identity {
            Some((chain, key)) => {
                config.with_client_auth_cert(chain, key).map_err(TlsError::Configuration)?
            }
            None => config.with_no_client_auth(),
        };
        if self.http1_alpn {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(config.into())
    }
}

#[cfg_attr(not(any(feature = "webpki-roots", feature = "native-roots")), expect(unused_variables))]
fn add_default_roots(roots: &mut RootCertStore) {
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    // A system's store may hold certificates that rustls cannot read; what
    // matters is that some are left, which the caller checks.
    #[cfg(feature = "native-roots")]
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
}
