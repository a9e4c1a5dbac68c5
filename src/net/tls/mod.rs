//! TLS configuration: certificates, trust and what connections share.
//!
//! Whichever crypto providers are compiled in, one is named explicitly: the
//! one that the application has installed for its process, else *ring*, else
//! aws-lc-rs. Early data (0-RTT) is never sent, since an upgrade request that
//! was replayed would open a connection.

mod client;
mod pem;
mod server;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{TlsClient, TlsClientBuilder};
pub use server::TlsServer;

/// Why there is no TLS configuration, or no TLS connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The handshake failed: the certificate is not to be trusted, or the two
    /// sides have nothing in common.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[source] rustls::Error),
    /// The transport failed during the handshake.
    #[error("transport failed during the TLS handshake: {0}")]
    Io(#[source] io::Error),
    /// The handshake took longer than it was given.
    #[error("TLS handshake timed out")]
    TimedOut,
    /// A certificate or key was refused.
    #[error("certificate or key refused: {0}")]
    Configuration(#[source] rustls::Error),
    /// A PEM text is malformed.
    #[error("malformed PEM: {0}")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// A PEM text holds no certificate.
    #[error("the PEM text holds no certificate")]
    NoCertificate,
    /// A PEM text holds no private key.
    #[error("the PEM text holds no private key")]
    NoPrivateKey,
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no certificate authority to trust: enable the feature
    /// `webpki-roots` or `native-roots`, or add an authority.
    #[error("no trusted certificate authority; enable webpki-roots or native-roots, or add one")]
    NoRoots,
    /// There is no crypto provider: enable the feature `ring` or `aws-lc-rs`,
    /// or install one for the process.
    #[error("no TLS crypto provider; enable the feature ring or aws-lc-rs, or install one")]
    NoProvider,
}

/// The provider for configurations that name none.
fn default_provider() -> Result<Arc<CryptoProvider>, TlsError> {
    CryptoProvider::get_default().cloned().or_else(compiled_provider).ok_or(TlsError::NoProvider)
}

fn compiled_provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "ring")]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    None
}
