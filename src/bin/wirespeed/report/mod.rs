//! What the tool shows: figures, tables, histograms and progress.

pub(crate) mod histogram;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod tally;
pub(crate) mod units;
