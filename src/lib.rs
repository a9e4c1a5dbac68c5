//! WebSocket at wire speed.

#![deny(unsafe_code)]

pub mod net;
#[allow(unsafe_code)] // vector loads and stores; see the module's own rules
pub mod simd;

pub use net::WebSocketUrl;
pub use simd::{Utf8Bytes, apply_mask};
