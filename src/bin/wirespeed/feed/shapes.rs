//! The text messages of a synthetic feed, in the public forms of real venues.

use std::fmt::{self, Write as _};

use fastrand::Rng;

/// The symbols of the synthetic market; the last one is not ASCII.
pub(crate) const SYMBOLS: [&str; 9] = [
    "BTCUSDT",
    "ETHUSDT",
    "BNBUSDT",
    "SOLUSDT",
    "XRPUSDT",
    "ADAUSDT",
    "DOGEUSDT",
    "LTCBTC",
    "币安人生USDT",
];

/// The index of the symbol that is not ASCII.
pub(crate) const NON_ASCII_SYMBOL: usize = SYMBOLS.len() - 1;

/// Unix time in milliseconds at which the synthetic market opened.
const OPENED_MILLIS: u64 = 1_672_515_782_136;

/// Prices and counters that move with every message.
#[derive(Debug)]
pub(crate) struct Market {
    /// In units of 0.01, by symbol.
    prices: [u64; SYMBOLS.len()],
    updates: u64,
    trades: u64,
    millis: u64,
}

impl Market {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            prices: std::array::from_fn(|_| rng.u64(10_000..9_000_000)),
            updates: rng.u64(1_000_000..900_000_000),
            trades: rng.u64(1_000_000..900_000_000),
            millis: OPENED_MILLIS,
        }
    }

    /// Moves the price of a symbol a little and returns it, in units of 0.01.
    pub(crate) fn step_price(&mut self, rng: &mut Rng, symbol: usize) -> u64 {
        let price = &mut self.prices[symbol];
        *price = (*price + rng.u64(0..=20)).saturating_sub(10).max(1_000);
        self.millis += rng.u64(0..=3);
        *price
    }

    /// The next update identifiers, first and last, of `count` changes.
    pub(crate) fn step_updates(&mut self, count: u64) -> (u64, u64) {
        let first = self.updates + 1;
        self.updates += count;
        (first, self.updates)
    }

    /// The next trade identifier.
    pub(crate) fn step_trade(&mut self) -> u64 {
        self.trades += 1;
        self.trades
    }
}

/// The best bid and ask, 120 to 200 bytes.
pub(crate) fn book_ticker(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    stamp: Option<u64>,
) {
    let bid = market.step_price(rng, symbol);
    let ask = bid + rng.u64(1..=5);
    let (_, update) = market.step_updates(1);
    let name = SYMBOLS[symbol];
    put(
        text,
        format_args!(
            r#"{{"stream":"{}@bookTicker","data":{{"u":{update},"s":"{name}","b":"{}","B":"{}","a":"{}","A":"{}"}}"#,
            Lower(name),
            Price(bid),
            Quantity(rng.u64(1..100_000)),
            Price(ask),
            Quantity(rng.u64(1..100_000)),
        ),
    );
    end_object(text, stamp);
}

/// The statistics of the last day, 250 to 500 bytes.
pub(crate) fn day_statistics(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    stamp: Option<u64>,
) {
    let price = market.step_price(rng, symbol);
    let last_trade = market.step_trade();
    let (low, high) = (price - price / 20, price + price / 20);
    put(
        text,
        format_args!(
            concat!(
                r#"{{"e":"24hrTicker","E":{time},"s":"{name}","p":"{change}","P":"1.25","#,
                r#""w":"{price}","x":"{low}","c":"{price}","Q":"{quantity}","b":"{price}","#,
                r#""a":"{price}","o":"{low}","h":"{high}","l":"{low}","v":"{volume}","#,
                r#""O":{opened},"C":{time},"F":{first_trade},"L":{last_trade},"n":{trades}"#,
            ),
            time = market.millis,
            name = SYMBOLS[symbol],
            change = Price(price / 80),
            price = Price(price),
            low = Price(low),
            high = Price(high),
            quantity = Quantity(rng.u64(1..100_000)),
            volume = Quantity(rng.u64(1_000_000..1_000_000_000)),
            opened = market.millis - 86_400_000,
            first_trade = last_trade - last_trade / 10,
            last_trade = last_trade,
            trades = last_trade / 10,
        ),
    );
    end_object(text, stamp);
}

/// Several trades in one message, about 1 KB.
pub(crate) fn trades(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    stamp: Option<u64>,
) {
    const SIZE: usize = 920;
    let name = SYMBOLS[symbol];
    put(
        text,
        format_args!(
            r#"{{"topic":"publicTrade.{name}","type":"snapshot","ts":{},"data":["#,
            market.millis
        ),
    );
    let mut separator = "";
    while text.len() < SIZE - 50 {
        let (price, trade) = (market.step_price(rng, symbol), market.step_trade());
        put(
            text,
            format_args!(
                concat!(
                    r#"{}{{"T":{},"s":"{}","S":"{}","v":"{}","p":"{}","L":"PlusTick","#,
                    r#""i":"{:08x}-{:04x}","BT":false,"seq":{}}}"#
                ),
                separator,
                market.millis,
                name,
                if rng.bool() { "Buy" } else { "Sell" },
                Quantity(rng.u64(1..100_000)),
                Price(price),
                rng.u32(..),
                rng.u16(..),
                trade,
            ),
        );
        separator = ",";
    }
    text.push(']');
    end_object(text, stamp);
}

/// Changed levels of an order book: as many as come closest to `size` bytes, at least one.
pub(crate) fn depth_update(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    size: usize,
    stamp: Option<u64>,
) {
    let (first, last) = market.step_updates(rng.u64(1..=60));
    put(
        text,
        format_args!(
            r#"{{"e":"depthUpdate","E":{},"s":"{}","U":{first},"u":{last},"#,
            market.millis, SYMBOLS[symbol]
        ),
    );
    levels(text, market, rng, symbol, size);
    end_object(text, stamp);
}

/// A whole order book of about `size` bytes.
pub(crate) fn snapshot(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    symbol: usize,
    size: usize,
    stamp: Option<u64>,
) {
    let (_, last) = market.step_updates(1);
    put(
        text,
        format_args!(
            r#"{{"e":"depthSnapshot","E":{},"s":"{}","lastUpdateId":{last},"#,
            market.millis, SYMBOLS[symbol]
        ),
    );
    levels(text, market, rng, symbol, size);
    end_object(text, stamp);
}

/// A bare array of 20 to 45 bytes: channel, then a quantity and the stamp.
pub(crate) fn tiny(
    text: &mut String,
    market: &mut Market,
    rng: &mut Rng,
    foreign: bool,
    stamp: Option<u64>,
) {
    if foreign {
        text.push_str("[\"币安\"");
    } else {
        put(text, format_args!("[{}", rng.u32(1..1_000_000)));
    }
    let quantity = market.step_price(rng, NON_ASCII_SYMBOL) % 100_000;
    put(text, format_args!(",[0.{quantity:05}"));
    match stamp {
        Some(stamp) => put(text, format_args!(",{stamp:019}]]")),
        None => text.push_str(",null]]"),
    }
}

/// Bids and asks until the message, closed and stamped, has about `size` bytes.
fn levels(text: &mut String, market: &mut Market, rng: &mut Rng, symbol: usize, size: usize) {
    const END: usize = r#"],"a":[],"sent":1732362000123456789}"#.len();
    const LEVEL: usize = r#"["25351.93","31.21000000"],"#.len();

    let room = size.saturating_sub(text.len() + r#""b":["#.len() + END);
    let count = ((room + LEVEL / 2) / LEVEL).max(1);
    let bids = rng.usize(0..=count);
    let best = market.step_price(rng, symbol);
    text.push_str(r#""b":["#);
    side(text, rng, (0..bids).map(|depth| best.saturating_sub(depth as u64).max(1)));
    text.push_str(r#"],"a":["#);
    side(text, rng, (bids..count).map(|depth| best + 1 + (depth - bids) as u64));
    text.push(']');
}

fn side(text: &mut String, rng: &mut Rng, prices: impl Iterator<Item = u64>) {
    let mut separator = "";
    for price in prices {
        let quantity = Quantity(rng.u64(0..100_000));
        put(text, format_args!(r#"{separator}["{}","{quantity}"]"#, Price(price)));
        separator = ",";
    }
}

/// Ends an object with the stamp as its last member.
fn end_object(text: &mut String, stamp: Option<u64>) {
    match stamp {
        Some(stamp) => put(text, format_args!(r#","sent":{stamp:019}}}"#)),
        None => text.push_str(r#","sent":null}"#),
    }
}

fn put(text: &mut String, piece: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(piece);
}

/// A price in units of 0.01.
struct Price(u64);

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A quantity in units of 0.001, written with the eight places that venues write.
struct Quantity(u64);

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}00000", self.0 / 1_000, self.0 % 1_000)
    }
}

/// A symbol in lower case, as stream names have it.
struct Lower(&'static str);

impl fmt::Display for Lower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Option<u64> = Some(1_732_362_000_123_456_789);

    fn write(shape: impl FnOnce(&mut String, &mut Market, &mut Rng)) -> String {
        let mut rng = Rng::with_seed(1);
        let (mut text, mut market) = (String::new(), Market::new(&mut rng));
        shape(&mut text, &mut market, &mut rng);
        text
    }

    /// Braces, brackets and quotes pair up, and nothing follows the last one.
    fn assert_well_formed(text: &str) {
        let mut open = Vec::new();
        let mut quoted = false;
        for (at, letter) in text.char_indices() {
            match letter {
                '"' => quoted = !quoted,
                '{' | '[' if !quoted => open.push(letter),
                '}' if !quoted => assert_eq!(open.pop(), Some('{'), "at {at} of {text}"),
                ']' if !quoted => assert_eq!(open.pop(), Some('['), "at {at} of {text}"),
                _ => {}
            }
            assert_eq!(open.is_empty(), at + letter.len_utf8() == text.len(), "at {at} of {text}");
        }
        assert!(!quoted && !text.contains(",,") && !text.contains("[,"), "{text}");
    }

    #[test]
    fn every_shape_is_well_formed_with_and_without_a_stamp() {
        for stamp in [NOW, None] {
            for symbol in [0, NON_ASCII_SYMBOL] {
                assert_well_formed(&write(|t, m, r| book_ticker(t, m, r, symbol, stamp)));
                assert_well_formed(&write(|t, m, r| day_statistics(t, m, r, symbol, stamp)));
                assert_well_formed(&write(|t, m, r| trades(t, m, r, symbol, stamp)));
                assert_well_formed(&write(|t, m, r| depth_update(t, m, r, symbol, 400, stamp)));
                assert_well_formed(&write(|t, m, r| depth_update(t, m, r, symbol, 0, stamp)));
                assert_well_formed(&write(|t, m, r| snapshot(t, m, r, symbol, 50_000, stamp)));
                assert_well_formed(&write(|t, m, r| tiny(t, m, r, symbol > 0, stamp)));
            }
        }
    }

    #[test]
    fn a_book_comes_close_to_the_size_asked_for() {
        for size in [400, 1_000, 10_000, 700_000] {
            let text = write(|t, m, r| snapshot(t, m, r, 0, size, NOW));
            assert!(text.len().abs_diff(size) < 30 + size / 12, "{} for {size}", text.len());
        }
    }
}
