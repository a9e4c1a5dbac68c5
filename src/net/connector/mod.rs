//! From a URL to a stream.

use std::sync::Arc;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::Instant;

#[cfg(feature = "tls")]
use rustls::ClientConfig;

use super::dial::{DialOptions, Resolver, SystemResolver};
use super::error::Error;
#[cfg(feature = "tls")]
use super::error::Phase;
use super::proxy::{EnvironmentProxies, Proxy};
#[cfg(feature = "tls")]
use super::tls::{TlsClient, TlsError};
use super::{WebSocketUrl, after};
#[cfg(feature = "blocking")]
pub use blocking::Connected;

#[cfg(feature = "blocking")]
mod blocking;

/// Makes streams to WebSocket servers: resolves, dials, goes through a proxy,
/// performs the TLS handshake. Cheap to clone; clones share the TLS sessions.
#[derive(Clone)]
#[non_exhaustive]
pub struct Connector {
    /// Time limits and socket options.
    pub options: DialOptions,
    /// Finds addresses; the system's resolver by default.
    pub resolver: Arc<dyn Resolver>,
    /// Which proxy to use; the environment decides by default.
    pub proxy: ProxyChoice,
    /// Trust and identity; [`TlsClient::new`], made when first needed, where
    /// this is `None`.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsClient>,
    #[cfg(feature = "tls")]
    default_tls: Arc<OnceLock<TlsClient>>,
}

/// Whom TLS is spoken with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TlsPeer {
    Server,
    Proxy,
}

#[cfg(feature = "tls")]
impl TlsPeer {
    /// What it means that TLS with the host or proxy `name` has failed.
    pub(crate) fn failed(self, name: &str, source: TlsError) -> Error {
        let host = name.to_owned();
        match (self, source) {
            (Self::Server, TlsError::TimedOut) => Error::Timeout(Phase::Tls),
            (Self::Proxy, TlsError::TimedOut) => Error::Timeout(Phase::Proxy),
            (Self::Server, source) => Error::Tls { host, source },
            (Self::Proxy, source) => Error::ProxyTls { host, source },
        }
    }
}

/// Which proxy to use.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ProxyChoice {
    /// None.
    Direct,
    /// The environment's choice.
    Environment(EnvironmentProxies),
    /// This one, for every host.
    Fixed(Proxy),
}

impl Default for Connector {
    /// The system's resolver, and the proxies of the process's environment.
    fn default() -> Self {
        Self {
            options: DialOptions::default(),
            resolver: Arc::new(SystemResolver),
            proxy: ProxyChoice::Environment(EnvironmentProxies::from_env()),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            default_tls: Arc::default(),
        }
    }
}

impl Connector {
    /// When a connection that is begun at `now` has to stand.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        after(now, self.options.timeout)
    }

    /// The proxy to go through to the host of `url`.
    pub(crate) fn proxy_for(&self, url: &WebSocketUrl) -> Result<Option<&Proxy>, Error> {
        Ok(match &self.proxy {
            ProxyChoice::Direct => None,
            ProxyChoice::Environment(proxies) => proxies.proxy_for(url)?,
            ProxyChoice::Fixed(proxy) => Some(proxy),
        })
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls_config(&self, peer: TlsPeer) -> Result<&Arc<ClientConfig>, TlsError> {
        let tls = self.tls_client()?;
        Ok(match peer {
            TlsPeer::Server => tls.config(),
            TlsPeer::Proxy => tls.config_for_proxies(),
        })
    }

    #[cfg(feature = "tls")]
    fn tls_client(&self) -> Result<&TlsClient, TlsError> {
        if let Some(tls) = self.tls.as_ref().or_else(|| self.default_tls.get()) {
            return Ok(tls);
        }
        let tls = TlsClient::new()?;
        Ok(self.default_tls.get_or_init(|| tls))
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("options", &self.options)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
