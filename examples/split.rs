//! Full duplex: one thread reads a feed, another sends orders, neither waits
//! for the other. Client and server are both in this process.
//!
//!     cargo run --example split

use std::thread;

use wirespeed::{MessageRef, WebSocketClient, WebSocketError, WebSocketListener};

const TICKS: usize = 1000;

fn main() -> Result<(), WebSocketError> {
    let listener = WebSocketListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let venue = thread::spawn(move || run_venue(&listener));

    let (mut feed, orders) = WebSocketClient::new().websocket(url).connect()?.split();
    let trading = thread::spawn(move || {
        for id in 0..10 {
            orders.send(format!(r#"{{"order":{id}}}"#))?;
        }
        Ok::<_, WebSocketError>(orders)
    });

    let mut ticks = 0;
    while ticks < TICKS {
        match feed.receive_ref()? {
            Some(MessageRef::Text(_)) => ticks += 1,
            Some(_) => {}
            None => break,
        }
    }
    println!("{ticks} ticks received");

    let orders = trading.join().expect("the trading thread does not panic")?;
    orders.close(1000, "done")?;
    // The end comes behind what the venue still sent.
    while feed.receive_ref()?.is_some() {}
    venue.join().expect("the venue does not panic")
}

fn run_venue(listener: &WebSocketListener) -> Result<(), WebSocketError> {
    let (mut orders, feed) = listener.accept()?.split();
    let ticking = thread::spawn(move || {
        (0..TICKS).try_for_each(|tick| feed.write(format!(r#"{{"tick":{tick}}}"#)))?;
        feed.flush()
    });
    while let Some(message) = orders.receive_ref()? {
        if let Some(order) = message.as_text() {
            println!("{order}");
        }
    }
    ticking.join().expect("the ticking thread does not panic")
}
