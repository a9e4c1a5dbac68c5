//! Messages, as a caller takes and gives them (storey 1).

mod borrowed;
mod encoded;
mod owned;
mod prepared;

pub use borrowed::MessageRef;
pub(crate) use encoded::EncodedFrame;
pub use owned::WebSocketMessage;
pub use prepared::PreparedMessage;
#[cfg(feature = "deflate")]
pub(crate) use prepared::SharedForm;
