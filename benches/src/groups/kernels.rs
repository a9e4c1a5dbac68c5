//! The kernels of each tier, beside memcpy, simdutf8, naive loops and the loop of a
//! widely used peer.

use std::{hint::black_box, mem::MaybeUninit};

use wirespeed::simd::{Kernels, Mask, Tier};

use super::Build;
use crate::{
    memory::Aligned,
    timing::Group,
    traffic::{Lengths, Random, Script},
};

/// Keys with low bytes keep ASCII in ASCII, so that a text can be unmasked in place
/// over and over.
const KEY: [u8; 4] = [0x1B, 0x2A, 0x33, 0x0C];

const SIZES: [usize; 11] =
    [8, 20, 64, 125, 200, 512, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20];
const UNPREDICTABLE: Lengths = Lengths::Mixed(8, 200);

/// The names of the entries, for those who look for ratios.
pub const PORTABLE: &str = "wirespeed, portable";
pub const AVX2: &str = "wirespeed, AVX2";
pub const AVX512: &str = "wirespeed, AVX-512";
pub const MEMCPY: &str = "memcpy";
pub const NAIVE: &str = "naive";
pub const ALIGNED_WORDS: &str = "tungstenite's loop";
pub const SIMDUTF8: &str = "simdutf8";
pub const MASK_THEN_SIMDUTF8: &str = "wirespeed's AVX2 mask, then simdutf8";
pub const MEMCPY_THEN_MASK: &str = "memcpy, then wirespeed's AVX2 mask";
pub const MEMCPY_THEN_LOOP: &str = "memcpy, then tungstenite's loop";

pub fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Portable => PORTABLE,
        Tier::Avx2 => AVX2,
        Tier::Avx512 => AVX512,
        _ => "wirespeed, another tier",
    }
}

/// The tier's name alone.
pub fn tier_label(tier: Tier) -> &'static str {
    tier_name(tier).trim_start_matches("wirespeed, ")
}

/// Runs the block with the kernels of each tier that the CPU has, and with a number
/// that tells its calls from those of the other tiers: see [`Payloads`].
macro_rules! each_tier {
    (|$kernels:ident, $SITE:ident| $block:block) => {
        each_tier!(|$kernels, $SITE| $block, Portable = 1, Avx2 = 2, Avx512 = 3)
    };
    (|$kernels:ident, $SITE:ident| $block:block, $($tier:ident = $site:literal),*) => {
        $(if let Some($kernels) = Kernels::for_tier(Tier::$tier) {
            const $SITE: usize = $site;
            $block
        })*
    };
}

/// Makes the group of an id for payloads of some lengths.
type Make = fn(&str, Lengths) -> Group;

pub fn groups() -> Vec<Build> {
    let kinds: [(&str, Make); 7] = [
        ("kernels/mask", mask),
        ("kernels/validate/ascii", |id, lengths| validate(id, lengths, Script::Ascii)),
        ("kernels/validate/accents", |id, lengths| validate(id, lengths, Script::Accents)),
        ("kernels/validate/cyrillic", |id, lengths| validate(id, lengths, Script::Cyrillic)),
        ("kernels/unmask+validate/ascii", |id, lengths| fused(id, lengths, Script::Ascii)),
        ("kernels/unmask+validate/cyrillic", |id, lengths| fused(id, lengths, Script::Cyrillic)),
        ("kernels/copy+mask", copy),
    ];
    let lengths = SIZES.map(Lengths::Fixed).into_iter().chain([UNPREDICTABLE]);
    let of_kind = |(id, make): (&'static str, Make)| {
        lengths.clone().map(move |lengths| Build::new(id, move |id| make(id, lengths)))
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn group(id: &str, lengths: Lengths) -> Group {
    let mean = match lengths {
        Lengths::Fixed(len) => len as f64,
        Lengths::Mixed(least, most) => (least + most) as f64 / 2.0,
    };
    Group::new(id, lengths.name(), mean)
}

fn mask(id: &str, lengths: Lengths) -> Group {
    let mut group = group(id, lengths);
    let payloads = || Payloads::new(lengths, Script::Ascii);
    each_tier!(|kernels, SITE| {
        let payloads = payloads().called_from::<SITE>();
        let name = tier_name(kernels.tier());
        payloads.each(&mut group, name, move |bytes| kernels.mask(bytes, Mask::new(KEY)));
    });
    payloads().each(&mut group, ALIGNED_WORDS, |bytes| mask_by_aligned_words(bytes, KEY));
    payloads().each(&mut group, NAIVE, |bytes| mask_naively(bytes, KEY));
    let payloads = Payloads::to_copy(lengths, Script::Ascii);
    payloads.each_to(&mut group, MEMCPY, |bytes, target| target.copy_from_slice(bytes));
    group
}

fn validate(id: &str, lengths: Lengths, script: Script) -> Group {
    let mut group = group(id, lengths);
    let payloads = || Payloads::new(lengths, script);
    each_tier!(|kernels, SITE| {
        let payloads = payloads().called_from::<SITE>();
        let name = tier_name(kernels.tier());
        payloads.each(&mut group, name, move |text| assert!(kernels.validate(text).is_ok()));
    });
    payloads().each(&mut group, SIMDUTF8, |text| {
        assert!(simdutf8::basic::from_utf8(text).is_ok());
    });
    payloads().each(&mut group, "std", |text| assert!(std::str::from_utf8(text).is_ok()));
    group
}

/// The text has to stay what it is while it is unmasked over and over. ASCII does
/// under a key of low bytes, in place; what is not ASCII is unmasked on its way to
/// another place, by the baseline too.
fn fused(id: &str, lengths: Lengths, script: Script) -> Group {
    let mut group = group(id, lengths);
    let mask = Mask::new(KEY);
    let in_place = script == Script::Ascii;
    let make = if in_place { Payloads::new } else { Payloads::to_copy };
    let payloads = || make(lengths, script).masked();
    each_tier!(|kernels, SITE| {
        let payloads = payloads().called_from::<SITE>();
        let name = tier_name(kernels.tier());
        if in_place {
            payloads.each(&mut group, name, move |text| {
                assert!(kernels.unmask_text(text, mask).is_ok());
            });
        } else {
            payloads.each_copied(&mut group, name, move |text, target| {
                assert!(kernels.copy_text(text, target, mask).is_ok());
            });
        }
    });
    let avx2 = Kernels::for_tier(Tier::Avx2).unwrap_or(Kernels::active());
    if in_place {
        payloads().each(&mut group, MASK_THEN_SIMDUTF8, move |text| {
            avx2.mask(text, mask);
            assert!(simdutf8::basic::from_utf8(text).is_ok());
        });
        payloads().each(&mut group, "tungstenite's loop, then std", move |text| {
            mask_by_aligned_words(text, KEY);
            assert!(std::str::from_utf8(text).is_ok());
        });
    } else {
        payloads().each_copied(&mut group, MASK_THEN_SIMDUTF8, move |text, target| {
            let written = avx2.copy_masked(text, target, mask);
            assert!(simdutf8::basic::from_utf8(written).is_ok());
        });
    }
    group
}

fn copy(id: &str, lengths: Lengths) -> Group {
    let mut group = group(id, lengths);
    let payloads = || Payloads::to_copy(lengths, Script::Ascii);
    each_tier!(|kernels, SITE| {
        let payloads = payloads().called_from::<SITE>();
        let name = tier_name(kernels.tier());
        payloads.each_to(&mut group, name, move |bytes, target| {
            kernels.copy_masked_into(bytes, target, Mask::new(KEY));
        });
    });
    let avx2 = Kernels::for_tier(Tier::Avx2).unwrap_or(Kernels::active());
    payloads().each_to(&mut group, MEMCPY_THEN_MASK, move |bytes, target| {
        target.copy_from_slice(bytes);
        avx2.mask(target, Mask::new(KEY));
    });
    payloads().each_to(&mut group, MEMCPY_THEN_LOOP, |bytes, target| {
        target.copy_from_slice(bytes);
        mask_by_aligned_words(target, KEY);
    });
    payloads().each_to(&mut group, MEMCPY, |bytes, target| target.copy_from_slice(bytes));
    group
}

fn mask_naively(bytes: &mut [u8], key: [u8; 4]) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}

/// What tungstenite publishes of its masking, written anew, for it is not to be
/// called from outside: aligned words of four bytes in a loop that the compiler
/// makes vectors of, and the ragged ends byte by byte.
fn mask_by_aligned_words(bytes: &mut [u8], key: [u8; 4]) {
    // SAFETY: any four bytes are a `u32`, and the other way round.
    let (head, words, tail) = unsafe { bytes.align_to_mut::<u32>() };
    for (byte, key) in head.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut rotated = key;
    rotated.rotate_left(head.len() % 4);
    for word in words {
        *word ^= u32::from_ne_bytes(rotated);
    }
    for (byte, key) in tail.iter_mut().zip(rotated) {
        *byte ^= key;
    }
}

/// Payloads one behind the other, as frames lie in a read: small ones in many
/// places, so that none waits for what was stored there a moment ago.
///
/// `SITE` tells loops apart that are the same but for the kernel they call: the
/// compiler would make one of them, whose call has a target for each tier, and takes
/// longer for it than that of a program, which uses one.
struct Payloads<const SITE: usize = 0> {
    places: Vec<(usize, usize)>,
    memory: Aligned,
}

impl Payloads {
    /// Payloads to be changed in place.
    fn new(lengths: Lengths, script: Script) -> Self {
        Self::within(24 << 10, lengths, script)
    }

    /// Payloads to be copied: half as many, so that with their copies they take about as
    /// much memory as those that are changed in place. That ends at 16 KiB, where there
    /// is one payload either way, and a copy touches twice the memory.
    fn to_copy(lengths: Lengths, script: Script) -> Self {
        Self::within(12 << 10, lengths, script)
    }

    /// Payloads in `near` bytes, of which with what they are copied to the cache
    /// nearest to the core has room for. Of short ones half as many do, and leave room
    /// for the list of them too; lengths that nothing can learn need many more.
    fn within(near: usize, lengths: Lengths, script: Script) -> Self {
        // Bytes between them, for the header of an unmasked frame.
        const HEADER: usize = 2;
        let span = match lengths {
            Lengths::Fixed(..1024) => near / 2,
            Lengths::Fixed(_) => near,
            Lengths::Mixed(..) => 32 * near,
        };
        let mut random = Random::new(777);
        let mut places = Vec::new();
        let mut at = HEADER;
        loop {
            let len = lengths.next(&mut random);
            if at + len > span && !places.is_empty() {
                break;
            }
            places.push((at, len));
            // Other frames lie between long ones: where all are of the size of a page,
            // each would wait for stores to the same place in the page before.
            at += len + HEADER + if len < 1 << 10 { 0 } else { random.within(0, 700) };
        }
        let mut memory = Aligned::new(at);
        for &(at, len) in &places {
            memory[at..at + len].copy_from_slice(&script.text(len, &mut random));
        }
        Self { places, memory }
    }

    /// The same payloads, masked.
    fn masked(mut self) -> Self {
        for &(at, len) in &self.places {
            mask_naively(&mut self.memory[at..at + len], KEY);
        }
        self
    }

    fn called_from<const SITE: usize>(self) -> Payloads<SITE> {
        Payloads { places: self.places, memory: self.memory }
    }
}

impl<const SITE: usize> Payloads<SITE> {
    /// Runs `kernel` on every payload, in place.
    fn each(mut self, group: &mut Group, name: &str, kernel: impl Fn(&mut [u8]) + 'static) {
        group.add(name, self.places.len(), move || {
            black_box(SITE);
            let memory = black_box(&mut self.memory[..]);
            for &(at, len) in &self.places {
                kernel(&mut memory[at..at + len]);
            }
        });
    }

    /// Runs `kernel` on every payload and a place of the same length and alignment.
    fn each_to(self, group: &mut Group, name: &str, kernel: impl Fn(&[u8], &mut [u8]) + 'static) {
        let mut target = Aligned::new(self.memory.len());
        group.add(name, self.places.len(), move || {
            black_box(SITE);
            let (memory, target) = (black_box(&self.memory[..]), black_box(&mut target[..]));
            for &(at, len) in &self.places {
                kernel(&memory[at..at + len], &mut target[at..at + len]);
            }
        });
    }

    /// [`each_to`](Self::each_to), for kernels that write to memory of any state.
    fn each_copied(
        self,
        group: &mut Group,
        name: &str,
        kernel: impl Fn(&[u8], &mut [MaybeUninit<u8>]) + 'static,
    ) {
        self.each_to(group, name, move |text, target| {
            // SAFETY: the same layout; kernels write nothing that is not initialised.
            let target = unsafe { &mut *(std::ptr::from_mut(target) as *mut [MaybeUninit<u8>]) };
            kernel(text, target);
        });
    }
}
