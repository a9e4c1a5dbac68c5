//! The way from a URL to a byte stream, over real sockets of this machine.

#![cfg(all(feature = "blocking", feature = "ring"))]

mod certificates;
mod dial;
mod proxy;
mod streams;
mod tls;
