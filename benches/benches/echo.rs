//! `cargo bench --bench echo`: loopback echo, blocking.

mod shared;

fn main() {
    shared::run(wirespeed_benches::groups::echo::groups());
}
