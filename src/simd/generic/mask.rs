//! Masking, in place or on the way to another buffer (RFC 6455, 5.3).

use super::{
    block::{Block, Isa},
    span::Span,
};

/// From this length on, the body's stores are aligned: a store that crosses a
/// page costs 35 cycles, which shows from about half a kibibyte.
const ALIGN_FROM: usize = 512;

/// Masks the whole span.
///
/// Lengths up to eight 32-byte or four 64-byte registers are classed by the
/// register that covers them with overlapping pairs; there are no loops, and
/// only the branches between the classes.
///
/// # Safety
///
/// The span must be writable, and the CPU must have the instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn mask<I: Isa>(span: Span<'_>) {
    let len = span.len;
    // SAFETY: each arm's bounds are what its callee asks for; the rest is the
    // caller's promise.
    unsafe {
        if len > 8 * I::Full::LEN {
            long::<I::Wide>(span);
        } else if len > 4 * I::Full::LEN {
            if I::Wide::LEN > I::Full::LEN {
                ends::<I::Wide, 2>(span);
            } else {
                ends::<I::Full, 4>(span);
            }
        } else if len > 2 * I::Full::LEN {
            if I::Wide::LEN > I::Full::LEN {
                ends::<I::Wide, 1>(span);
            } else {
                ends::<I::Full, 2>(span);
            }
        } else if len >= 32 {
            ends::<I::Full, 1>(span);
        } else if len >= 16 {
            ends::<I::Half, 1>(span);
        } else {
            words(span);
        }
    }
}

/// Masks up to 15 bytes.
///
/// # Safety
///
/// The span must be writable and shorter than 16 bytes.
#[inline(always)]
unsafe fn words(span: Span<'_>) {
    // SAFETY: each arm's bounds are what its callee asks for.
    unsafe {
        match span.len {
            8.. => ends::<u64, 1>(span),
            4.. => ends::<u32, 1>(span),
            _ => bytes(span),
        }
    }
}

/// Masks up to 3 bytes.
///
/// # Safety
///
/// The span must be writable and shorter than 4 bytes.
#[inline(always)]
unsafe fn bytes(span: Span<'_>) {
    let key = span.key_at(0).bytes();
    for (at, key) in key.into_iter().enumerate().take(span.len) {
        // SAFETY: `at` is below the length.
        unsafe { *span.target.add(at) = *span.source.add(at) ^ key };
    }
}

/// Masks a span with `N` registers from its front and `N` that end at its end.
///
/// # Safety
///
/// The span must be writable and `N` to `2 * N` registers long, and the CPU
/// must have the instructions of `B`.
#[inline(always)]
unsafe fn ends<B: Block, const N: usize>(span: Span<'_>) {
    let back_at = span.len - N * B::LEN;
    // SAFETY: `N` registers fit between either start and the end.
    unsafe {
        let front = span.load_group::<B, N>(0, B::splat(span.key_at(0)));
        let back = span.load_group::<B, N>(back_at, B::splat(span.key_at(back_at)));
        span.store_group(0, front);
        span.store_group(back_at, back);
    }
}

/// Masks a span of any length above four registers.
///
/// # Safety
///
/// The span must be writable and longer than `4 * B::LEN`, and the CPU must
/// have the instructions of `B`.
#[inline(always)]
unsafe fn long<B: Block>(span: Span<'_>) {
    let len = span.len;
    let tail_at = len - B::LEN;
    let mut at = if len >= ALIGN_FROM { misalignment::<B>(span.target) } else { 0 };
    // SAFETY: every access ends at or before `len`, which is above four
    // registers; the head and the tail are loaded before the body is stored.
    unsafe {
        let tail: B = span.load_unmasked(tail_at);
        let head: B = span.load_unmasked(0);
        let aligned = at > 0;
        let key = B::splat(span.key_at(at));
        while at + 4 * B::LEN <= len {
            let group = span.load_group::<B, 4>(at, key);
            span.store_group(at, group);
            at += 4 * B::LEN;
        }
        while at + B::LEN <= len {
            span.store(at, span.load::<B>(at).xor(key));
            at += B::LEN;
        }
        span.store(tail_at, tail);
        if aligned {
            span.store(0, head);
        }
    }
}

/// Bytes from `start` to the next address that is a multiple of the register's
/// length.
#[inline(always)]
pub(super) fn misalignment<B: Block>(start: *const u8) -> usize {
    start.addr().wrapping_neg() & (B::LEN - 1)
}
