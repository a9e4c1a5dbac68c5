//! A listener whose connections speak TLS.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpListener,
    sync::mpsc::{self, Receiver},
    time::{sleep, timeout},
};
use wirespeed::{net::tls::TlsServer, tokio::MaybeTlsStream};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a failed accept waits before the next: what fails is mostly the process's
/// supply of sockets, which comes back as connections end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

/// Each handshake is a task of its own, so that a slow client delays nobody.
pub(crate) struct TlsListener {
    accepted: Receiver<(MaybeTlsStream, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    pub(crate) fn new(listener: TcpListener, tls: TlsServer) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(16);
        tokio::spawn(async move {
            while !sender.is_closed() {
                let Ok((stream, peer)) = listener.accept().await else {
                    sleep(ACCEPT_BACKOFF).await;
                    continue;
                };
                // A message leaves when it is flushed.
                let _ = stream.set_nodelay(true);
                let (tls, sender) = (tls.clone(), sender.clone());
                tokio::spawn(async move {
                    let handshake = MaybeTlsStream::accept_tls(stream, &tls);
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, handshake).await {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Ok(Self { accepted, address })
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = MaybeTlsStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (MaybeTlsStream, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task above ends with the runtime, and so does this wait.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
