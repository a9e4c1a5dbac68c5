//! What the codec allocates: nothing per message, and per connection what its
//! documentation says.
//!
//! One test in a binary of its own: the counters are of the whole process.
#![cfg(feature = "deflate")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::BytesMut;
use wirespeed::Role;
use wirespeed::deflate::{
    Compression, DeflateOptions, DeflateParams, DeflatePool, Deflater, InflateStatus, Inflater,
};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work; counting touches no memory of
// the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        // SAFETY: the caller's promise for this layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `pointer` came from `alloc` above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn memory() {
    no_allocation_per_message();
    figures_of_the_documentation();
    a_bomb_costs_no_more_than_the_limit();
}

fn no_allocation_per_message() {
    let options = DeflateOptions::for_client();
    for no_takeover in [false, true] {
        let params = DeflateParams {
            server_no_context_takeover: no_takeover,
            client_no_context_takeover: no_takeover,
            ..DeflateParams::default()
        };
        let pool = DeflatePool::default();
        let mut deflater = Deflater::new(Role::Client, &params, &options, &pool);
        let mut inflater = Inflater::new(Role::Server, &params, &pool);
        let mut out = BytesMut::with_capacity(8192);
        let mut room = vec![0; 8192];
        let mut message = br#"{"market":"BTC-USD","bid":65001.1,"ask":65001.2,"n":"#.repeat(40);
        let mut calls = 0;
        for round in 0..2000 {
            if round == 100 {
                calls = CALLS.load(Relaxed);
            }
            message[round % 50] = b'0' + (round % 10) as u8;
            let len = 100 + round % 1900;
            out.clear();
            let compression = deflater.compress(&message[..len], &mut out).unwrap();
            assert_eq!(compression, Compression::Compressed);
            let progress = inflater.inflate(&out, true, &mut room).unwrap();
            assert_eq!(progress.status, InflateStatus::MessageEnd);
            assert_eq!(&room[..progress.produced], &message[..len]);
        }
        assert_eq!(CALLS.load(Relaxed) - calls, 0, "no_takeover: {no_takeover}");
    }
}

fn figures_of_the_documentation() {
    let pool = DeflatePool::new(0);
    let params = DeflateParams::default();
    let mut out = BytesMut::with_capacity(1024);
    let held = || HELD.load(Relaxed);
    for (window_bits, memory_level, bytes) in
        [(15, 8, 380_032), (15, 5, 279_680), (12, 5, 164_992), (11, 4, 149_632), (9, 1, 137_216)]
    {
        let options =
            DeflateOptions::for_client().window_bits(window_bits).memory_level(memory_level);
        let before = held();
        let mut deflater = Deflater::new(Role::Client, &params, &options, &pool);
        assert_eq!(held(), before, "an unused compressor costs nothing");
        out.clear();
        deflater.compress_always(b"quote", &mut out).unwrap();
        assert_near(held() - before, bytes);
    }

    let before = held();
    let mut inflater = Inflater::new(Role::Client, &params, &pool);
    assert_eq!(held(), before, "an unused decompressor costs nothing");
    inflater.inflate(&out, true, &mut [0; 64]).unwrap();
    assert_near(held() - before, 47_552);
}

/// Within 4 KiB, which leaves room for another version of the engine.
fn assert_near(measured: usize, documented: usize) {
    assert!(measured.abs_diff(documented) < 4096, "{measured} bytes, documented {documented}");
}

/// A gigabyte of zeros against a limit of a mebibyte.
fn a_bomb_costs_no_more_than_the_limit() {
    const LIMIT: usize = 1 << 20;
    let pool = DeflatePool::new(0);
    let params = DeflateParams::default();
    let mut deflater = Deflater::new(Role::Client, &params, &DeflateOptions::for_client(), &pool);
    let zeros = vec![0; LIMIT];
    let mut block = BytesMut::new();
    deflater.compress_always(&zeros, &mut block).unwrap();
    block.clear();
    deflater.compress_always(&zeros, &mut block).unwrap();
    block.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let mut first = BytesMut::new();
    Deflater::new(Role::Client, &params, &DeflateOptions::for_client(), &pool)
        .compress_always(&zeros, &mut first)
        .unwrap();
    first.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
    let bomb = [&first[..], &block.repeat(1023)].concat();

    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let mut inflater = Inflater::new(Role::Server, &params, &pool);
    let mut message = vec![0; LIMIT + 1];
    let progress = inflater.inflate(&bomb, true, &mut message).unwrap();
    assert_eq!(progress.produced, LIMIT + 1);
    assert_eq!(progress.status, InflateStatus::NeedsOutput);
    let peak = PEAK.load(Relaxed) - before;
    assert!(peak < LIMIT + 64 * 1024, "peak {peak} bytes");
}
