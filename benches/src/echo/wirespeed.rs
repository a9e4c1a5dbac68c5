//! wirespeed: one by one, messages own their bytes; in batches, they are borrowed.
//! Answers leave when no message is left, for a receive sends what is queued
//! before it reads. The pool's blocks take what the drive says. Without keepalive,
//! as no other library here has it, or has it turned on: its timer would have the
//! system set one each time that the server goes to sleep.

use std::sync::Mutex;

use tokio::net::TcpStream;
use wirespeed::{BufferPool, WebSocketOptions, WebSocketUpgrade};

use super::{Drive, Form};

pub async fn echo(stream: TcpStream, drive: Drive) {
    let mut options = WebSocketOptions::server();
    options.pool = pool(drive.read);
    options.spin = drive.spin;
    if !drive.keepalive {
        (options.limits.idle_ping, options.limits.idle_timeout) = (None, None);
    }
    let accepted = WebSocketUpgrade::new().options(options).accept_async(stream).await;
    let mut connection = accepted.expect("a handshake");
    match drive.form {
        Form::OneByOne => {
            while let Ok(Some(message)) = connection.receive().await {
                if !message.is_data() || connection.write(message).await.is_err() {
                    return;
                }
            }
        }
        Form::InBatches => {
            while let Ok(true) =
                connection.receive_batch(|message, answers| answers.write(message)).await
            {
            }
        }
    }
}

/// The pool of all connections that read as much.
fn pool(read: usize) -> BufferPool {
    static POOLS: Mutex<Vec<(usize, BufferPool)>> = Mutex::new(Vec::new());
    if read == BufferPool::DEFAULT_READ_SIZE {
        return BufferPool::shared();
    }
    let mut pools = POOLS.lock().expect("no panic before");
    if let Some((_, pool)) = pools.iter().find(|(len, _)| *len == read) {
        return pool.clone();
    }
    let pool = BufferPool::new(read, BufferPool::DEFAULT_KEEP);
    pools.push((read, pool.clone()));
    pool
}
