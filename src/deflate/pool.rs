//! Compressor and decompressor states that connections share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zlib_rs::{Deflate, DeflateConfig};

use super::decoder::Decoder;
use super::fast::FastDeflate;
use super::options::DeflateOptions;

/// What a compressor is made from; states of different setups are not
/// interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    level: u8,
    memory_level: u8,
    window_bits: u8,
}

impl Setup {
    /// `window_bits` must be among [`COMPRESSOR_WINDOW_BITS`]; the options keep
    /// their own numbers in range.
    ///
    /// [`COMPRESSOR_WINDOW_BITS`]: super::options::COMPRESSOR_WINDOW_BITS
    pub(super) fn new(options: &DeflateOptions, window_bits: u8) -> Self {
        Self { level: options.level, memory_level: options.memory_level, window_bits }
    }

    pub(super) fn window_bits(self) -> u8 {
        self.window_bits
    }
}

/// A compressor with the setup that it was made from.
pub(super) struct Compressor {
    setup: Setup,
    pub(super) engine: Engine,
}

/// What compresses.
pub(super) enum Engine {
    /// Ours, at the lowest level.
    Fast(FastDeflate),
    /// zlib's, at the others.
    Zlib(Deflate),
}

impl Engine {
    fn new(setup: Setup) -> Self {
        if setup.level == 1 {
            return Self::Fast(FastDeflate::new(setup.window_bits));
        }
        Self::Zlib(Deflate::new_with_config(DeflateConfig {
            level: i32::from(setup.level),
            // Negative: a raw stream, without zlib's header and checksum.
            window_bits: -i32::from(setup.window_bits),
            mem_level: i32::from(setup.memory_level),
            ..DeflateConfig::default()
        }))
    }

    /// Forgets the history.
    fn reset(&mut self) {
        match self {
            Self::Fast(engine) => engine.reset(),
            Self::Zlib(engine) => engine.reset(),
        }
    }
}

/// A bounded store of idle states, shared by the connections that have a clone
/// of it.
///
/// A state is cleared before it enters the pool, and one that has met an error
/// never does.
///
/// The lock is held for a few instructions, twice for each message without
/// context takeover; with it, twice in a connection's life, or for each pause if
/// [`release_idle`](super::DeflateOptions::release_idle) says so.
#[derive(Clone)]
pub struct DeflatePool {
    shared: Arc<Shared>,
}

struct Shared {
    max_idle: usize,
    compressors: Mutex<Vec<Compressor>>,
    decompressors: Mutex<Vec<Box<Decoder>>>,
}

impl DeflatePool {
    /// A pool that keeps at most `max_idle` idle compressors and as many
    /// decompressors: one of each for each thread that drives connections is
    /// enough. See the [module](super) for what one costs.
    pub fn new(max_idle: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                max_idle,
                compressors: Mutex::default(),
                decompressors: Mutex::default(),
            }),
        }
    }

    /// Idle compressors and decompressors.
    pub fn idle(&self) -> (usize, usize) {
        (lock(&self.shared.compressors).len(), lock(&self.shared.decompressors).len())
    }

    pub(super) fn take_compressor(&self, setup: Setup) -> Compressor {
        let mut idle = lock(&self.shared.compressors);
        // The last one in is the likeliest to be in the cache.
        match idle.iter().rposition(|compressor| compressor.setup == setup) {
            Some(index) => idle.remove(index),
            None => {
                drop(idle);
                Compressor { setup, engine: Engine::new(setup) }
            }
        }
    }

    pub(super) fn give_compressor(&self, mut compressor: Compressor) {
        compressor.engine.reset();
        self.keep(&self.shared.compressors, compressor);
    }

    pub(super) fn take_decompressor(&self) -> Box<Decoder> {
        let idle = lock(&self.shared.decompressors).pop();
        idle.unwrap_or_else(|| Box::new(Decoder::new()))
    }

    pub(super) fn give_decompressor(&self, mut decompressor: Box<Decoder>) {
        decompressor.reset();
        self.keep(&self.shared.decompressors, decompressor);
    }

    /// Keeps `state`, in the place of the oldest one if the pool is full: so
    /// states of a setup that nobody uses any more go in the end.
    fn keep<T>(&self, idle: &Mutex<Vec<T>>, state: T) {
        if self.shared.max_idle == 0 {
            return;
        }
        let mut idle = lock(idle);
        let oldest = (idle.len() >= self.shared.max_idle).then(|| idle.remove(0));
        idle.push(state);
        drop(idle);
        drop(oldest);
    }
}

impl Default for DeflatePool {
    /// A pool of at most 8 compressors and 8 decompressors: 1.1 MB at the
    /// default options.
    fn default() -> Self {
        Self::new(8)
    }
}

impl fmt::Debug for DeflatePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (compressors, decompressors) = self.idle();
        f.debug_struct("DeflatePool")
            .field("max_idle", &self.shared.max_idle)
            .field("compressors", &compressors)
            .field("decompressors", &decompressors)
            .finish()
    }
}

/// A thread that panicked with the lock held cannot have left a list half
/// changed, so the lists are usable after it.
fn lock<T>(idle: &Mutex<T>) -> MutexGuard<'_, T> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(window_bits: u8) -> Setup {
        Setup::new(&DeflateOptions::for_client(), window_bits)
    }

    #[test]
    fn the_pool_is_bounded() {
        let pool = DeflatePool::new(2);
        let (compressors, decompressors): (Vec<_>, Vec<_>) =
            (0..3).map(|_| (pool.take_compressor(setup(15)), pool.take_decompressor())).unzip();
        compressors.into_iter().for_each(|state| pool.give_compressor(state));
        decompressors.into_iter().for_each(|state| pool.give_decompressor(state));
        assert_eq!(pool.idle(), (2, 2));

        let none = DeflatePool::new(0);
        none.give_compressor(none.take_compressor(setup(15)));
        assert_eq!(none.idle(), (0, 0));
    }

    #[test]
    fn setups_are_not_confused_and_old_ones_go() {
        let pool = DeflatePool::new(2);
        pool.give_compressor(pool.take_compressor(setup(9)));
        pool.give_compressor(pool.take_compressor(setup(10)));
        let eleven = pool.take_compressor(setup(11));
        assert_eq!(eleven.setup, setup(11));
        assert_eq!(pool.idle().0, 2);
        pool.give_compressor(eleven);
        let kept: Vec<_> =
            lock(&pool.shared.compressors).iter().map(|c| c.setup.window_bits).collect();
        assert_eq!(kept, [10, 11]);
    }
}
