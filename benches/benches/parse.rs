//! `cargo bench --bench parse`: the parser alone.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::frames::in_place());
}
