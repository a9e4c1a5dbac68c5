//! The caller's own say in whether a message is compressed.

/// Whether to compress a message, on a connection that has agreed to
/// permessage-deflate. On any other, messages go plain whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compress {
    /// If it is likely to become shorter: not below the threshold of the options,
    /// and not if it looks random.
    #[default]
    IfWorthwhile,
    /// Whatever its length and content; only where the peer allows no window that
    /// we can compress with, it goes plain all the same.
    Always,
    /// Not at all, and nothing that is compressed later refers to it: for what an
    /// attacker must not guess from the sizes of messages.
    Never,
}
