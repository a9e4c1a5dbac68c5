//! What the fuzz targets share.

pub mod deflate;
pub mod frames;
pub mod input;
pub mod memory;
pub mod model;
pub mod operations;
pub mod padding;
pub mod receipt;
pub mod zlib;
