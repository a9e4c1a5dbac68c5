//! Two connections joined by a simulated network, under a virtual clock.
//!
//! Each script is a random sequence of operations, made from a seed: writes of
//! every kind, partial writes and reads of any size, takes in every way, released
//! buffers, deadlines, and ends of the stream at any point. A model knows what has
//! to arrive, and in which order. With the feature `deflate`, half of the scripts are
//! compressed, under random parameters.
//!
//! A script that fails prints its seed; `WIRESPEED_SEED=n` runs that one alone.

mod compression;
mod end;
mod model;
mod threads;
mod world;

use std::panic;

use world::World;

const SCRIPTS: u64 = 12_000;

#[test]
fn two_machines_agree_over_any_network() {
    if let Ok(seed) = std::env::var("WIRESPEED_SEED") {
        let summary = World::new(seed.parse().expect("a number")).run();
        println!("{summary:?}");
        return;
    }
    let mut total = world::Summary::default();
    for seed in 0..SCRIPTS {
        let outcome = panic::catch_unwind(|| World::new(seed).run());
        match outcome {
            Ok(summary) => total += summary,
            Err(cause) => {
                eprintln!("run this script again with WIRESPEED_SEED={seed}");
                panic::resume_unwind(cause);
            }
        }
    }
    println!("{SCRIPTS} scripts: {total:?}");
    // Scripts that do nothing would agree as well.
    assert!(total.messages > 5 * SCRIPTS);
    assert!(total.compressed > SCRIPTS / 4 || !cfg!(feature = "deflate"));
    assert!(total.controls > 3 * SCRIPTS);
    assert!(total.in_pieces > 3 * SCRIPTS);
    assert!(total.clean_closes > SCRIPTS / 2);
    assert!(total.lost > SCRIPTS / 50);
    assert!(total.timeouts > SCRIPTS / 100);
}
