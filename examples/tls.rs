//! A server and a client over TLS, with certificates from PEM files.
//!
//!     openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
//!         -keyout key.pem -out cert.pem -days 30 -subj /CN=localhost \
//!         -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE
//!     cargo run --example tls -- server cert.pem key.pem
//!     cargo run --example tls -- client wss://localhost:9002/ cert.pem
//!
//! Without the last extension the certificate is that of an authority, which no server
//! may show.

use std::{env, error::Error, sync::Arc};

use wirespeed::{
    WebSocketClient, WebSocketListener,
    net::tls::{TlsClient, TlsServer},
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["server", chain, key] => serve(chain, key),
        ["client", url, authority] => connect(url, authority),
        _ => Err("usage: tls server CERTIFICATES KEY | tls client URL AUTHORITY".into()),
    }
}

fn serve(chain: &str, key: &str) -> Result<(), Box<dyn Error>> {
    let tls = TlsServer::from_pem_files(chain, key)?;
    let listener = WebSocketListener::bind("127.0.0.1:9002")?.tls(Arc::clone(tls.config()));
    println!("listening on wss://{}/", listener.local_addr()?);
    listener.serve(|ws| {
        ws.send("hello over TLS")?;
        ws.close(1000, "")
    })?;
    Ok(())
}

fn connect(url: &str, authority: &str) -> Result<(), Box<dyn Error>> {
    let tls = TlsClient::builder().default_roots(false).add_authority_file(authority)?.build()?;
    let ws = WebSocketClient::new().tls(tls).websocket(url).connect()?;
    if let Some(message) = ws.receive()? {
        println!("{}", message.as_text().unwrap_or("not a text"));
    }
    ws.close(1000, "")?;
    Ok(())
}
