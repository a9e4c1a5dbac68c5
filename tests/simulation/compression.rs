//! What the two ends have agreed on about permessage-deflate.

#[cfg(feature = "deflate")]
pub(crate) use agreed::{Agreement, compressed};
#[cfg(not(feature = "deflate"))]
pub(crate) use none::{Agreement, compressed};

#[cfg(feature = "deflate")]
mod agreed {
    use fastrand::Rng;
    use wirespeed::{
        WebSocketOptions,
        deflate::{DeflateOptions, DeflateParams},
        protocol::{Connection, Sender},
    };

    /// How many messages an end has compressed.
    pub(crate) fn compressed(sender: &Sender) -> u64 {
        sender.deflate_totals().map_or(0, |totals| totals.messages)
    }

    /// Parameters, and how both ends compress.
    pub(crate) struct Agreement {
        params: DeflateParams,
        deflate: DeflateOptions,
    }

    impl Agreement {
        /// In every other script.
        pub(crate) fn random(rng: &mut Rng) -> Option<Self> {
            if rng.bool() {
                return None;
            }
            let params = DeflateParams {
                server_no_context_takeover: rng.bool(),
                client_no_context_takeover: rng.bool(),
                server_max_window_bits: rng.u8(8..=15),
                client_max_window_bits: rng.u8(8..=15),
            };
            let deflate = DeflateOptions::for_client()
                .level(if rng.bool() { 1 } else { rng.u8(2..=9) })
                .memory_level(1)
                .threshold(rng.usize(0..100))
                .release_idle(rng.bool());
            Some(Self { params, deflate })
        }

        pub(crate) fn enable(&self, connection: &mut Connection, options: &WebSocketOptions) {
            let mut options = options.clone();
            // The payloads repeat themselves; limits are looked at elsewhere.
            options.limits.inflate_ratio = u32::MAX;
            connection.enable_deflate(&self.params, &self.deflate, &options);
        }
    }
}

#[cfg(not(feature = "deflate"))]
mod none {
    use fastrand::Rng;
    use wirespeed::{
        WebSocketOptions,
        protocol::{Connection, Sender},
    };

    pub(crate) fn compressed(_: &Sender) -> u64 {
        0
    }

    /// There is none without the feature `deflate`.
    pub(crate) enum Agreement {}

    impl Agreement {
        pub(crate) fn random(_: &mut Rng) -> Option<Self> {
            None
        }

        pub(crate) fn enable(&self, _: &mut Connection, _: &WebSocketOptions) {}
    }
}
