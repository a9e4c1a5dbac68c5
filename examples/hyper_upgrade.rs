//! Upgrades of connections that hyper speaks HTTP on: a server that answers plain
//! requests as well, and a client that makes one of each on the same connection.
//!
//! ```sh
//! cargo run --features hyper --example hyper_upgrade
//! ```

use std::{convert::Infallible, error::Error, net::SocketAddr};

use http::{Request, Response};
use http_body_util::{Empty, Full};
use hyper::{
    body::{Bytes, Incoming},
    client, server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use wirespeed::{
    WebSocketClient, WebSocketError, WebSocketUpgrade,
    tokio::hyper::{Upgrading, connect, upgrade},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener));
    run_client(address).await
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        // A message leaves when it is flushed, and not when the last was acknowledged.
        stream.set_nodelay(true)?;
        let connection = server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(respond))
            .with_upgrades();
        tokio::spawn(connection);
    }
}

async fn respond(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if !WebSocketUpgrade::is_upgrade_request(&request) {
        return Ok(Response::new("no upgrade asked for\n".into()));
    }
    Ok(match upgrade(WebSocketUpgrade::new(), &mut request) {
        Ok((response, upgrading)) => {
            tokio::spawn(echo(upgrading));
            response.map(|()| Full::default())
        }
        Err(refusal) => refusal.to_response().map(Full::new),
    })
}

async fn echo(upgrading: Upgrading) -> Result<(), WebSocketError> {
    let mut ws = upgrading.await?;
    while let Some(message) = ws.receive().await? {
        if message.is_data() {
            ws.send(message).await?;
        }
    }
    Ok(())
}

async fn run_client(server: SocketAddr) -> Result<(), Box<dyn Error>> {
    let stream = TokioIo::new(TcpStream::connect(server).await?);
    let (mut sender, connection) = client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection.with_upgrades());

    let request = Request::get("/").header("Host", server.to_string()).body(Empty::<Bytes>::new());
    println!("GET / answered with {}", sender.send_request(request?).await?.status());

    sender.ready().await?;
    let builder = WebSocketClient::new().websocket(format!("ws://{server}/ws"));
    let mut ws = connect(builder, &mut sender).await?;
    ws.send("hello").await?;
    let echo = ws.receive().await?.ok_or("closed without an echo")?;
    println!("upgraded, and received {:?}", echo.as_text());
    ws.close(1000, "").await?;
    Ok(())
}
