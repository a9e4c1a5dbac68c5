//! `cargo bench --bench cliff`: the copy cliff, in memory and over loopback.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::cliff::groups());
}
