//! The same on tokio: a task a connection.

use std::{io, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use wirespeed::{
    CloseCode, TimedOut, WebSocketError, WebSocketMessage, WebSocketOptions, WebSocketUpgrade,
    handshake::ServerPolicy,
    net::tls::TlsServer,
    tokio::{MaybeTlsStream, WebSocketStream},
};

use crate::{endpoint::Socket, error::ToolError, interrupt::Interrupt};

/// How long a failed accept waits before the next: what fails is mostly the
/// process's supply of sockets, which comes back as connections end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

/// Echoes until the end is asked for; then the connections are closed with 1001.
pub(super) fn serve(
    socket: Socket,
    options: WebSocketOptions,
    policy: ServerPolicy,
    interrupt: &Interrupt,
) -> Result<(), ToolError> {
    let (stop, stopped) = watch::channel(());
    // Dropping the sender is the signal.
    interrupt.on_raise(move || drop(stop));
    let handshake_timeout = options.limits.handshake_timeout;
    let policy = if socket.tls.is_some() { policy.secure(true) } else { policy };
    let upgrade = WebSocketUpgrade::new().options(options).policy(policy);
    let acceptor = Acceptor { tls: socket.tls, upgrade, handshake_timeout };

    let accepting = async {
        socket.listener.set_nonblocking(true)?;
        accept(TcpListener::from_std(socket.listener)?, acceptor, stopped).await;
        io::Result::Ok(())
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    runtime.and_then(|runtime| runtime.block_on(accepting)).map_err(ToolError::Runtime)
}

/// Accepts until it is stopped, and waits for the connections to end.
async fn accept(listener: TcpListener, acceptor: Acceptor, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(acceptor.clone().serve(stream, stopped.clone()));
                }
                Err(_) => sleep(ACCEPT_BACKOFF).await,
            },
            // How a connection ended is of interest to its client alone.
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// What turns an accepted socket into a connection.
#[derive(Clone)]
struct Acceptor {
    tls: Option<TlsServer>,
    upgrade: WebSocketUpgrade,
    handshake_timeout: Duration,
}

impl Acceptor {
    async fn serve(
        self,
        stream: TcpStream,
        stopped: watch::Receiver<()>,
    ) -> Result<(), WebSocketError> {
        let connection = self.open(stream).await?;
        echo(connection, stopped).await
    }

    async fn open(self, stream: TcpStream) -> Result<WebSocketStream, WebSocketError> {
        stream.set_nodelay(true)?;
        let stream = match self.tls {
            Some(tls) => {
                let handshake = MaybeTlsStream::accept_tls(stream, &tls);
                timeout(self.handshake_timeout, handshake)
                    .await
                    .map_err(|_| WebSocketError::Timeout(TimedOut::Handshake))??
            }
            None => stream.into(),
        };
        self.upgrade.accept_async(stream).await
    }
}

/// Echoes text and binary messages; what arrived together goes back together.
async fn echo(
    mut connection: WebSocketStream,
    mut stopped: watch::Receiver<()>,
) -> Result<(), WebSocketError> {
    loop {
        // Any of them may be dropped for the other: a receive that is loses nothing.
        let message = tokio::select! {
            message = connection.receive() => message,
            _ = stopped.changed() => return connection.close(CloseCode::GOING_AWAY, "").await,
        };
        match message {
            Ok(Some(message)) => answer(&mut connection, message).await?,
            Ok(None) => return Ok(()),
            Err(error) => {
                // Tells the peer why, and waits until it has read that.
                let _ = connection.close(CloseCode::NORMAL, "").await;
                return Err(error);
            }
        }
    }
}

async fn answer(
    connection: &mut WebSocketStream,
    message: WebSocketMessage,
) -> Result<(), WebSocketError> {
    if !message.is_data() {
        return Ok(());
    }
    connection.write(message).await?;
    if !connection.has_buffered_message() {
        connection.flush().await?;
    }
    Ok(())
}
