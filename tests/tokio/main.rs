//! The driver for tokio, over transports that are made to be difficult.

mod auto_traits;
mod cancellation;
mod clock;
mod connecting;
mod examples;
mod feed;
mod openings;
mod receiving;
mod sending;
mod split;
mod time;
mod wake_ups;
mod wire;
