//! `cargo bench --bench frames`: frames in memory, received.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::frames::receiving());
}
