//! The server's side.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;

use super::{TlsError, default_provider, pem};

/// What the TLS connections of a server share: its certificate and the cache
/// that lets clients resume sessions.
#[derive(Debug, Clone)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
}

impl TlsServer {
    /// Takes the certificate, its chain behind it, and the key as PEM texts.
    ///
    /// # Errors
    ///
    /// [`TlsError::Pem`], [`TlsError::NoCertificate`],
    /// [`TlsError::NoPrivateKey`], [`TlsError::NoProvider`], or
    /// [`TlsError::Configuration`] if certificate and key do not match.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(default_provider()?)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_no_client_auth()
            .with_single_cert(pem::certificates(chain)?, pem::private_key(key)?)
            .map_err(TlsError::Configuration)?;
        // A browser that offers h2 as well has to be told that it is not to be.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config.into())
    }

    /// Reads the PEM files that hold the certificate and the key.
    ///
    /// # Errors
    ///
    /// [`TlsError::File`], and those of [`from_pem`](Self::from_pem).
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, TlsError> {
        Self::from_pem(&pem::read_file(chain.as_ref())?, &pem::read_file(key.as_ref())?)
    }

    /// The configuration, for connections accepted elsewhere.
    #[must_use]
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

/// A configuration made by hand, taken as it is.
impl From<Arc<ServerConfig>> for TlsServer {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config }
    }
}

impl From<ServerConfig> for TlsServer {
    fn from(config: ServerConfig) -> Self {
        Self { config: Arc::new(config) }
    }
}
