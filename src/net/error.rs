//! Why there is no connection.

use std::fmt;
use std::io;

use super::dial::Attempt;
use super::proxy::ProxyError;
#[cfg(feature = "tls")]
use super::tls::TlsError;
use super::url::UrlError;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not one of a WebSocket.
    #[error("invalid URL: {0}")]
    Url(#[from] UrlError),
    /// The host has no addresses, or the resolver failed.
    #[error("cannot resolve {host}: {source}")]
    Resolve {
        /// The host.
        host: String,
        /// What the resolver says; `NotFound` if it knows no address.
        source: io::Error,
    },
    /// No address of the host (or of its proxy) could be connected to.
    #[error("cannot connect to {host}{}", Attempts(attempts))]
    Connect {
        /// The host.
        host: String,
        /// What happened at each address that was tried, in order; `TimedOut`
        /// where nothing did. Empty if the time was up before the first.
        attempts: Vec<Attempt>,
    },
    /// The proxy's address is invalid, or the proxy refuses or fails.
    #[error("proxy: {0}")]
    Proxy(#[from] ProxyError),
    /// The connection to the proxy failed before the tunnel stood.
    #[error("connection to the proxy failed: {0}")]
    ProxyIo(#[source] io::Error),
    /// TLS with the host failed.
    #[cfg(feature = "tls")]
    #[error("TLS with {host}: {source}")]
    Tls {
        /// Whom with.
        host: String,
        /// Why.
        source: TlsError,
    },
    /// TLS with the proxy failed.
    #[cfg(feature = "tls")]
    #[error("TLS with the proxy {host}: {source}")]
    ProxyTls {
        /// The proxy.
        host: String,
        /// Why.
        source: TlsError,
    },
    /// TLS is needed, but the crate was compiled without the feature `tls`.
    #[cfg(not(feature = "tls"))]
    #[error("TLS is needed, but the feature tls is off")]
    TlsUnavailable,
    /// Time ran out.
    #[error("timed out while {0}")]
    Timeout(Phase),
}

/// What a connection was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The resolver's answer.
    Resolve,
    /// Another connection to the same host, in its opening handshake
    /// (RFC 6455, section 4.1, allows one at a time).
    Turn,
    /// The proxy's answer.
    Proxy,
    /// The TLS handshake.
    Tls,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving the host's name",
            Self::Turn => "waiting for another connection to the same host to be opened",
            Self::Proxy => "waiting for the proxy",
            Self::Tls => "performing the TLS handshake",
        })
    }
}

struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{attempt}")?;
        }
        Ok(())
    }
}
