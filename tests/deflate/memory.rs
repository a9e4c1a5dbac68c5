//! What the codec allocates: nothing per message, and per connection what its
//! documentation says.

use super::*;
use crate::counting::measure;
use wirespeed::deflate::Compression;

#[test]
fn no_allocation_per_message() {
    for params in [takeover(), no_takeover()] {
        let (mut deflater, mut inflater) = pair(&params, &eager());
        let mut out = BytesMut::with_capacity(8192);
        let mut room = vec![0; 8192];
        let mut message = br#"{"market":"BTC-USD","bid":65001.1,"ask":65001.2,"n":"#.repeat(40);
        let mut send = |round: usize| {
            message[round % 50] = b'0' + (round % 10) as u8;
            let len = 100 + round % 1900;
            out.clear();
            let compression = deflater.compress(&message[..len], &mut out).unwrap();
            assert_eq!(compression, Compression::Compressed);
            let progress = inflater.inflate(&out, true, &mut room).unwrap();
            assert_eq!(progress.status, InflateStatus::MessageEnd);
            assert_eq!(&room[..progress.produced], &message[..len]);
        };
        (0..100).for_each(&mut send);
        let ((), cost) = measure(|| (100..2000).for_each(&mut send));
        assert_eq!(cost.allocations, 0, "{params:?}: {cost:?}");
    }
}

#[test]
fn figures_of_the_documentation() {
    let pool = DeflatePool::new(0);
    let mut out = BytesMut::with_capacity(1024);
    for (level, window_bits, memory_level, bytes) in [
        (1, 15, 5, 98_312),
        (1, 12, 5, 16_392),
        (1, 9, 5, 2_056),
        (2, 15, 8, 380_032),
        (6, 15, 5, 279_680),
        (9, 12, 5, 164_992),
        (6, 9, 1, 137_216),
    ] {
        let options = eager().level(level).window_bits(window_bits).memory_level(memory_level);
        let (mut deflater, cost) =
            measure(|| Deflater::new(Role::Client, &takeover(), &options, &pool));
        assert_eq!(cost.kept, 0, "an unused compressor costs nothing");
        out.clear();
        let (result, cost) = measure(|| deflater.compress_always(b"quote", &mut out));
        result.unwrap();
        assert_near(cost.kept, bytes);
    }

    let (mut inflater, cost) = measure(|| Inflater::new(Role::Client, &takeover(), &pool));
    assert_eq!(cost.kept, 0, "an unused decompressor costs nothing");
    let (result, cost) = measure(|| inflater.inflate(&out, true, &mut [0; 64]));
    result.unwrap();
    assert_near(cost.kept, 39_914);
}

/// Within an eighth and 4 KiB, which leaves room for another version of the engine.
fn assert_near(measured: i64, documented: i64) {
    let leeway = (documented.unsigned_abs() / 8).min(4096);
    assert!(measured.abs_diff(documented) < leeway, "{measured} bytes, documented {documented}");
}
