//! Figures on the standard output.

use std::io::{self, ErrorKind, Write};

use crate::error::ToolError;

/// Writes a report. Whoever reads it may leave when it has seen enough.
pub(crate) fn show(report: &str) -> Result<(), ToolError> {
    let mut out = io::stdout().lock();
    match out.write_all(report.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(ToolError::Output(error)),
        _ => Ok(()),
    }
}
