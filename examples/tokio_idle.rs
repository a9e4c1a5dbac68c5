//! Measures what an idle connection costs a server: opens many, lets each echo one
//! message and fall silent, and compares the resident memory. The clients are
//! a process of their own.
//!
//! ```sh
//! ulimit -n 65536
//! cargo run --release --features tokio --example tokio_idle -- 10000
//! ```

use std::{error::Error, process::Command};

use tokio::net::{TcpListener, TcpStream};
use wirespeed::{BufferPool, WebSocketClient, WebSocketError, net::ProxyChoice, tokio::accept};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [count] => serve(count.parse()?).await,
        [url, count] => connect(url, count.parse()?).await,
        _ => Err("usage: tokio_idle CONNECTIONS".into()),
    }
}

async fn serve(count: usize) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    let mut clients =
        Command::new(std::env::current_exe()?).args([&url, &count.to_string()]).spawn()?;

    // The first connection brings what all share.
    open(&listener).await?;
    let before = resident_kib()?;
    for _ in 1..count {
        open(&listener).await?;
    }
    let grown = (resident_kib()? - before) * 1024;
    println!("{count} idle connections: {} bytes each", grown / (count as u64 - 1));
    println!("buffers resting in the pool: {}", BufferPool::shared().resting());
    clients.kill()?;
    clients.wait()?;
    Ok(())
}

/// Accepts a connection, echoes its first message, and leaves it to a task.
async fn open(listener: &TcpListener) -> Result<(), WebSocketError> {
    let (stream, _) = listener.accept().await?;
    let mut ws = accept(stream).await?;
    if let Some(message) = ws.receive().await? {
        ws.send(message).await?;
    }
    tokio::spawn(async move { while let Ok(Some(_)) = ws.receive().await {} });
    // So that the task waits, and holds what it holds while it does.
    tokio::task::yield_now().await;
    Ok(())
}

async fn connect(url: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let client = WebSocketClient::new().proxy(ProxyChoice::Direct);
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = TcpStream::connect(url.trim_start_matches("ws://")).await?;
        let mut ws = client.websocket(url).connect_async_over(stream).await?;
        ws.send("hello").await?;
        ws.receive().await?;
        connections.push(ws);
    }
    std::future::pending().await
}

/// Of this process, as Linux counts it.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
    Ok(kib.parse()?)
}
