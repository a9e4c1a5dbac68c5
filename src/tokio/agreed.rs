//! What came of the opening handshake.

use std::sync::Arc;

use http::Response;

/// What a connection and its halves tell of the opening handshake, if it was ours and
/// there is any.
#[derive(Debug, Clone)]
pub(super) struct Agreed(Option<Arc<Told>>);

#[derive(Debug)]
struct Told {
    subprotocol: Option<String>,
    response: Option<Response<()>>,
}

impl Agreed {
    pub(super) fn new(subprotocol: Option<String>, response: Option<Response<()>>) -> Self {
        let any = subprotocol.is_some() || response.is_some();
        Self(any.then(|| Arc::new(Told { subprotocol, response })))
    }

    pub(super) fn subprotocol(&self) -> Option<&str> {
        self.0.as_ref()?.subprotocol.as_deref()
    }

    pub(super) fn response(&self) -> Option<&Response<()>> {
        self.0.as_ref()?.response.as_ref()
    }
}
