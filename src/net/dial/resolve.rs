//! Name resolution, bounded in time.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
#[cfg(feature = "blocking")]
use std::{
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

#[cfg(feature = "blocking")]
use crate::net::{Error, Phase};

/// Finds the addresses of a host.
///
/// Implemented for closures, so that a cache, a fixed table or another
/// protocol can take the system's place.
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, best first, each with `port`.
    ///
    /// # Errors
    ///
    /// Whatever kept the resolver from finding out.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

impl<F> Resolver for F
where
    F: Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync,
{
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self(host, port)
    }
}

/// The system's resolver (`getaddrinfo`).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }
}

/// Resolves `host` on a thread of its own, since `getaddrinfo` can be neither
/// bounded nor interrupted. One that is late ends by itself, unheeded.
#[cfg(feature = "blocking")]
pub(in crate::net) fn resolve(
    resolver: &Arc<dyn Resolver>,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Error> {
    let failed = |source| Error::Resolve { host: host.to_owned(), source };
    let (sender, receiver) = mpsc::sync_channel(1);
    let worker = {
        let resolver = Arc::clone(resolver);
        let host = host.to_owned();
        move || {
            // Fails only if nobody waits any more.
            let _ = sender.send(resolver.resolve(&host, port));
        }
    };
    thread::Builder::new().name("resolver".into()).spawn(worker).map_err(failed)?;
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(failed(io::ErrorKind::NotFound.into())),
        Ok(result) => result.map_err(failed),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::Timeout(Phase::Resolve)),
        // The resolver has panicked.
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(failed(io::ErrorKind::Other.into())),
    }
}
