//! A feed behind a middleware: requests without the token never reach the service
//! that performs the upgrade.
//!
//! ```sh
//! cargo run --features tower --example tower_service -- 127.0.0.1:9001
//! ```

use std::error::Error;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
    serve::ListenerExt,
};
use http::{StatusCode, header::AUTHORIZATION};
use tokio::net::TcpListener;
use wirespeed::{
    WebSocketUpgrade,
    tokio::{WebSocketStream, hyper::HyperStream, tower::WebSocketService},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // A message leaves when it is flushed, and not when the last was acknowledged.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let app = Router::new()
        .route_service("/feed/{symbol}", WebSocketService::new(WebSocketUpgrade::new(), feed))
        .layer(middleware::from_fn(authorize));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn authorize(request: Request, next: Next) -> Result<Response, StatusCode> {
    match request.headers().get(AUTHORIZATION) {
        Some(token) if token == "Bearer secret" => Ok(next.run(request).await),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

async fn feed(request: http::Request<()>, mut ws: WebSocketStream<HyperStream>) {
    let symbol = request.uri().path().rsplit('/').next().unwrap_or_default();
    let snapshot = format!(r#"{{"symbol":"{symbol}","bid":100.0,"ask":100.5}}"#);
    let sent = async {
        ws.send(&snapshot).await?;
        ws.close(1000, "end of the feed").await
    };
    if let Err(error) = sent.await {
        println!("{error}");
    }
}
