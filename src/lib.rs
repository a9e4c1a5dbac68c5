//! WebSocket at wire speed.

#![deny(unsafe_code)]

#[allow(unsafe_code)] // vector loads and stores; see the module's own rules
pub mod simd;

pub use simd::{Utf8Bytes, apply_mask};
