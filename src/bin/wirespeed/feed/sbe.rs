//! The binary messages of a synthetic feed, in the manner of SBE (Simple Binary
//! Encoding): an 8-byte header, a fixed body, repeating groups, a symbol; little-endian.

use fastrand::Rng;

use super::shapes::{Market, SYMBOLS};
use crate::stamp::{BINARY_NULL, BINARY_SCHEMA};

const TEMPLATE_TRADES: u16 = 10_000;
const TEMPLATE_BEST_BID_ASK: u16 = 10_001;
const TEMPLATE_DEPTH_DIFF: u16 = 10_003;

const BEST_BID_ASK_BODY: u16 = 50;
const TRADES_BODY: u16 = 18;
const DEPTH_DIFF_BODY: u16 = 26;
const TRADE_BYTES: u16 = 25;
const LEVEL_BYTES: u16 = 16;

/// So that a message stays within 600 bytes.
const MOST_TRADES: u32 = 21;
const MOST_LEVELS: u16 = 33;

/// Powers of ten of the prices and quantities.
const PRICE_EXPONENT: i8 = -2;
const QUANTITY_EXPONENT: i8 = -3;

/// Appends one message of 60 to 600 bytes: best prices, changed levels, or trades.
pub(crate) fn write_message(
    out: &mut Vec<u8>,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    stamp: Option<u64>,
) {
    // Times are signed in SBE; a stamp fits until the year 2262.
    let time = stamp.and_then(|stamp| i64::try_from(stamp).ok()).unwrap_or(BINARY_NULL);
    match rng.u32(0..100) {
        0..60 => best_bid_ask(out, market, rng, symbol, time),
        60..85 => depth_diff(out, market, rng, symbol, time),
        _ => trades(out, market, rng, symbol, time),
    }
    let name = SYMBOLS[symbol].as_bytes();
    out.push(name.len() as u8);
    out.extend_from_slice(name);
}

fn best_bid_ask(out: &mut Vec<u8>, market: &mut Market, rng: &mut Rng, symbol: usize, time: i64) {
    header(out, BEST_BID_ASK_BODY, TEMPLATE_BEST_BID_ASK);
    put_i64(out, time);
    put_i64(out, market.step_updates(1).1 as i64);
    put_exponents(out);
    let bid = market.step_price(rng, symbol) as i64;
    put_i64(out, bid);
    put_i64(out, rng.i64(1..100_000));
    put_i64(out, bid + rng.i64(1..=5));
    put_i64(out, rng.i64(1..100_000));
}

fn trades(out: &mut Vec<u8>, market: &mut Market, rng: &mut Rng, symbol: usize, time: i64) {
    header(out, TRADES_BODY, TEMPLATE_TRADES);
    put_i64(out, time);
    put_i64(out, time);
    put_exponents(out);
    let count = rng.u32(1..=MOST_TRADES);
    put_u16(out, TRADE_BYTES);
    out.extend_from_slice(&count.to_le_bytes());
    for _ in 0..count {
        put_i64(out, market.step_trade() as i64);
        put_i64(out, market.step_price(rng, symbol) as i64);
        put_i64(out, rng.i64(1..100_000));
        out.push(u8::from(rng.bool()));
    }
}

fn depth_diff(out: &mut Vec<u8>, market: &mut Market, rng: &mut Rng, symbol: usize, time: i64) {
    header(out, DEPTH_DIFF_BODY, TEMPLATE_DEPTH_DIFF);
    put_i64(out, time);
    let count = rng.u16(1..=MOST_LEVELS);
    let (first, last) = market.step_updates(u64::from(count));
    put_i64(out, first as i64);
    put_i64(out, last as i64);
    put_exponents(out);
    let bids = rng.u16(0..=count);
    let best = market.step_price(rng, symbol) as i64;
    for (side, levels) in [(-1, bids), (1, count - bids)] {
        put_u16(out, LEVEL_BYTES);
        put_u16(out, levels);
        for depth in 0..i64::from(levels) {
            put_i64(out, best + side * depth);
            put_i64(out, rng.i64(0..100_000));
        }
    }
}

fn header(out: &mut Vec<u8>, body: u16, template: u16) {
    const VERSION: u16 = 0;
    for field in [body, template, BINARY_SCHEMA, VERSION] {
        put_u16(out, field);
    }
}

fn put_exponents(out: &mut Vec<u8>) {
    out.extend([PRICE_EXPONENT, QUANTITY_EXPONENT].map(|exponent| exponent as u8));
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn u16_at(bytes: &[u8], at: usize) -> usize {
        usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    }

    /// Where the symbol must start, found by walking the message as a decoder does.
    fn walk(message: &[u8]) -> usize {
        let groups = 8 + u16_at(message, 0);
        match u16_at(message, 2) as u16 {
            TEMPLATE_BEST_BID_ASK => groups,
            TEMPLATE_TRADES => groups + 6 + u16_at(message, groups) * u16_at(message, groups + 2),
            TEMPLATE_DEPTH_DIFF => {
                let asks = groups + 4 + u16_at(message, groups) * u16_at(message, groups + 2);
                asks + 4 + u16_at(message, asks) * u16_at(message, asks + 2)
            }
            other => panic!("template {other}"),
        }
    }

    #[test]
    fn lengths_and_counts_lead_a_decoder_to_the_symbol() {
        let mut rng = Rng::with_seed(1);
        let mut market = Market::new(&mut rng);
        let mut seen = std::collections::HashSet::new();
        for round in 0..500 {
            let symbol = round % SYMBOLS.len();
            let mut message = Vec::new();
            write_message(&mut message, &mut market, &mut rng, symbol, Some(1));
            let tail = &message[walk(&message)..];
            assert_eq!(usize::from(tail[0]), SYMBOLS[symbol].len());
            assert_eq!(&tail[1..], SYMBOLS[symbol].as_bytes());
            seen.insert(u16_at(&message, 2));
        }
        assert_eq!(seen.len(), 3);
    }
}
