use std::io::Write;

use super::*;
use crate::simd::{UnsupportedTier, force};

#[test]
fn kernels_know_their_tier() {
    let (mut tested, mut missing) = (Vec::new(), Vec::new());
    for tier in Tier::ALL {
        match Kernels::for_tier(tier) {
            Some(kernels) => tested.push(kernels.tier()),
            None => missing.push(tier),
        }
    }
    assert!(tested.contains(&Tier::Portable));
    assert_eq!(tested.len() + missing.len(), Tier::ALL.len());
    assert!(tested.iter().all(|tier| !missing.contains(tier)), "{tested:?}, but not {missing:?}");
    assert!(tested.is_sorted_by(|one, next| one < next), "{tested:?}");

    // Not with `eprintln`, which is shown of a failed test only: whoever reads the output
    // of a run has to know what it did not test.
    let summary = format!("\ntiers tested: {tested:?}; not on this CPU: {missing:?}\n");
    std::io::stderr().write_all(summary.as_bytes()).unwrap();
}

// The only test that looks at which kernels are active; the others are content
// with any.
#[test]
fn every_tier_can_be_forced_where_the_cpu_has_it() {
    for tier in Tier::ALL {
        match Kernels::for_tier(tier) {
            Some(kernels) => {
                force(tier).unwrap();
                assert!(std::ptr::eq(Kernels::active(), kernels));
            }
            None => assert_eq!(force(tier), Err(UnsupportedTier(tier))),
        }
    }
}

#[test]
fn the_environment_chooses_the_tier() {
    let choose = |name: Option<&str>| super::super::tier::preferred(name.map(Into::into)).tier();
    let best = tiers().last().unwrap().tier();
    assert_eq!(choose(None), best);
    assert_eq!(choose(Some("")), best);
    assert_eq!(choose(Some("AVX2")), best);
    for tier in Tier::ALL {
        let expected = if Kernels::for_tier(tier).is_some() { tier } else { best };
        assert_eq!(choose(Some(tier.name())), expected);
    }
}
