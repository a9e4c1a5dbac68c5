use super::*;
use crate::simd::{UnsupportedTier, force};

#[test]
fn kernels_know_their_tier() {
    for tier in Tier::ALL {
        if let Some(kernels) = Kernels::for_tier(tier) {
            assert_eq!(kernels.tier(), tier);
        }
    }
    assert!(Kernels::for_tier(Tier::Portable).is_some());
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
