//! `cargo bench --bench deflate`: permessage-deflate in memory, both ways.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::deflate::groups());
}
