//! A web server with a page that talks to it, on axum: text, binary data and
//! a message of 1 MiB, compressed if the browser offers that. With a certificate
//! and its key, it speaks TLS.
//!
//! ```sh
//! cargo run --features axum,deflate --example axum_server -- 127.0.0.1:8080
//! cargo run --features axum,deflate --example axum_server -- 127.0.0.1:8443 cert.pem key.pem
//! ```

mod tls;

use std::error::Error;

use axum::{
    Router,
    response::{Html, Response},
    routing::{any, get},
    serve::ListenerExt,
};
use tokio::net::TcpListener;
use wirespeed::{
    WebSocketError,
    net::tls::TlsServer,
    tokio::axum::{WebSocket, WebSocketUpgrade},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let app = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/ws", any(upgrade));

    if let (Some(certificate), Some(key)) = (args.next(), args.next()) {
        println!("listening on https://{address}");
        let tls = TlsServer::from_pem_files(certificate, key)?;
        axum::serve(tls::TlsListener::new(listener, tls)?, app).await?;
    } else {
        println!("listening on http://{address}");
        // A message leaves when it is flushed, and not when the last was acknowledged.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, app).await?;
    }
    Ok(())
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    let upgrade = upgrade.protocols(["echo.v1"]).max_message_size(4 << 20);
    #[cfg(feature = "deflate")]
    let upgrade = upgrade.deflate(wirespeed::deflate::DeflateOptions::for_server());
    upgrade.on_upgrade(|ws| async {
        if let Err(error) = echo(ws).await {
            println!("{error}");
        }
    })
}

async fn echo(mut ws: WebSocket) -> Result<(), WebSocketError> {
    while let Some(message) = ws.receive().await? {
        if message.is_data() {
            ws.send(message).await?;
        }
    }
    Ok(())
}
