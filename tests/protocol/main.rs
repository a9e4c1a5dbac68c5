//! The protocol core against RFC 6455 and against hostile peers, without a
//! transport: bytes and times go in, and what comes out is looked at.
//!
//! REQUIREMENTS.md maps the numbers of the requirements to the tests.

mod allocations;
mod attacks;
mod closing;
mod control;
mod counting;
mod endpoint;
mod framing;
mod hostile;
mod messages;
mod slow;
