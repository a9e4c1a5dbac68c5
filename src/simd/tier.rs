//! The choice of the tier.
//!
//! The kernels in use are one pointer, chosen at first use: the best tier that
//! the CPU has, or the one that the environment variable `WIRESPEED_SIMD` names
//! (`portable`, `avx2` or `avx512`; other values, and tiers that the CPU does not
//! have, are ignored). [`force`] changes it later.

use std::{
    ffi::OsString,
    fmt, ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

use super::Kernels;

/// A level of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// What the compiler makes of plain Rust.
    Portable,
    /// AVX2, BMI1 and BMI2.
    Avx2,
    /// AVX-512 F, BW, VL and VBMI, BMI1 and BMI2.
    Avx512,
}

impl Tier {
    /// All tiers, the best one last.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The tier's name, as in `WIRESPEED_SIMD`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A tier that this CPU, or this build of the library, does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this CPU does not have the {0} kernels")]
pub struct UnsupportedTier(pub Tier);

/// Uses the kernels of `tier` from now on, wherever the library has not picked
/// its kernels yet: a connection keeps those it was made with.
///
/// ```
/// use wirespeed::simd::{self, Kernels, Tier};
///
/// simd::force(Tier::Portable)?;
/// assert_eq!(Kernels::active().tier(), Tier::Portable);
/// # Ok::<(), simd::UnsupportedTier>(())
/// ```
///
/// # Errors
///
/// [`UnsupportedTier`] if the CPU does not have it; nothing changes then.
pub fn force(tier: Tier) -> Result<(), UnsupportedTier> {
    let kernels = Kernels::for_tier(tier).ok_or(UnsupportedTier(tier))?;
    set_active(kernels);
    Ok(())
}

/// Null until the first use.
static ACTIVE: AtomicPtr<Kernels> = AtomicPtr::new(ptr::null_mut());

/// The kernels in use.
#[inline]
pub(super) fn active() -> &'static Kernels {
    // Relaxed: the kernels are statics, so that no thread can see the pointer
    // before what it points to.
    let active = ACTIVE.load(Ordering::Relaxed);
    // SAFETY: null, or one of the statics that `set_active` was given.
    unsafe { active.as_ref() }.unwrap_or_else(choose)
}

fn set_active(kernels: &'static Kernels) {
    ACTIVE.store(ptr::from_ref(kernels).cast_mut(), Ordering::Relaxed);
}

#[cold]
fn choose() -> &'static Kernels {
    let kernels = preferred(std::env::var_os("WIRESPEED_SIMD"));
    set_active(kernels);
    kernels
}

/// The kernels of the tier of that name, or else the best ones.
pub(super) fn preferred(name: Option<OsString>) -> &'static Kernels {
    name.and_then(|name| Tier::ALL.into_iter().find(|tier| name == tier.name()))
        .and_then(Kernels::for_tier)
        .unwrap_or_else(Kernels::best)
}
