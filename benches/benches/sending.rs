//! `cargo bench --bench sending`: frames in memory, sent.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::frames::sending());
}
