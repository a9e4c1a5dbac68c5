//! TLS configuration.

use std::io;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The handshake failed: the certificate is not to be trusted, or the two
    /// sides have nothing in common.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[source] rustls::Error),
    /// The transport failed during the handshake.
    #[error("transport failed during the TLS handshake")]
    Io(#[source] io::Error),
    /// The handshake took longer than it was given.
    #[error("TLS handshake timed out")]
    TimedOut,
}
