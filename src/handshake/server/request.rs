//! The head of a request, parsed.

use http::{Method, Request, Uri, Version};

use super::super::{
    HeadError, grammar,
    head::{Head, header_map},
};
use super::{RefusalReason, rules};

/// The request that `head` holds, if it can be read in one way only.
pub(super) fn parse(head: &Head) -> Result<Request<()>, RefusalReason> {
    let mut slots = head.slots();
    let mut parsed = httparse::Request::new(&mut slots);
    head.complete(parsed.parse(&head.bytes))?;

    let mut request = Request::new(());
    *request.method_mut() = parsed
        .method
        .and_then(|method| Method::from_bytes(method.as_bytes()).ok())
        .ok_or(HeadError::syntax(httparse::Error::Token))?;
    *request.uri_mut() = parsed
        .path
        .and_then(|target| parse_target(target, request.method()))
        .ok_or(RefusalReason::InvalidTarget)?;
    *request.version_mut() = match parsed.version {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    };
    *request.headers_mut() = header_map(parsed.headers)?;
    rules::check_unambiguous(&request)?;
    Ok(request)
}

/// A target in a form that its method may have (RFC 9112, section 3.2), as it
/// stands.
fn parse_target(target: &str, method: &Method) -> Option<Uri> {
    // The type would drop a fragment in silence.
    if !grammar::is_request_target(target.as_bytes()) {
        return None;
    }
    let uri: Uri = target.parse().ok()?;
    let fits = match (uri.scheme(), uri.authority()) {
        (Some(_), _) => true,
        (None, Some(_)) => method == Method::CONNECT,
        (None, None) => uri.path() != "*" || method == Method::OPTIONS,
    };
    fits.then_some(uri)
}
