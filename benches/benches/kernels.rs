//! `cargo bench --bench kernels`: masking and validation, every tier.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::kernels::groups());
}
