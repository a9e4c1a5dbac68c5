//! Messages, as a caller takes and gives them (storey 1).

mod borrowed;
mod owned;
mod prepared;

pub use borrowed::MessageRef;
pub use owned::WebSocketMessage;
pub use prepared::PreparedMessage;
