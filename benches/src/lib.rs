//! What wirespeed is measured by, and beside.
//!
//! A [`Group`](timing::Group) holds entries that do the same work: ours, a
//! baseline, the peers. Criterion runs each entry by itself; the `report` binary
//! runs a group's entries interleaved, which is what ratios are taken from.
//!
//! - [`groups`]: what is measured;
//! - [`peers`]: how each library is driven in memory, and the check that it
//!   delivers every byte;
//! - [`echo`]: echo servers over tokio, and the load on them;
//! - [`traffic`], [`memory`], [`wire`]: the texts, frames, buffers and the
//!   in-memory transport they share;
//! - [`timing`], [`noise`], [`machine`], [`report`]: how it is measured and written
//!   down.

pub mod captures;
pub mod echo;
pub mod groups;
pub mod machine;
pub mod memory;
pub mod noise;
pub mod peers;
pub mod report;
pub mod timing;
pub mod traffic;
pub mod wire;
