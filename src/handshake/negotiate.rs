//! permessage-deflate in the opening handshake: between the header, which is
//! parsed here, and the rules of the extension, which are not.

use super::{Extension, extension};
use crate::deflate::{self, DeflateOptions, DeflateParams, EXTENSION_NAME, NegotiationError};

/// The value of `Sec-WebSocket-Extensions` in a request.
pub(crate) fn offer(options: &DeflateOptions) -> String {
    let offers: Vec<String> = deflate::offers(options).iter().map(ToString::to_string).collect();
    offers.join(", ")
}

/// What a response's extensions agree to, which are known to be offered by name.
pub(crate) fn judge_response(
    extensions: &[Extension],
    options: &DeflateOptions,
) -> Result<Option<DeflateParams>, NegotiationError> {
    let Some(agreed) = extensions.iter().find(|extension| is_deflate(extension)) else {
        return Ok(None);
    };
    deflate::accept_response(params(agreed), &deflate::offers(options)).map(Some)
}

/// What a server agrees to of a request's offers, and how it says so.
pub(crate) fn choose(
    offers: &[Extension],
    options: &DeflateOptions,
) -> Option<(DeflateParams, Extension)> {
    let offers = offers.iter().filter(|offer| is_deflate(offer)).map(params);
    let (agreed, response) = deflate::choose(offers, options)?;
    let response = extension::parse([response]).ok()?.pop()?;
    Some((agreed, response))
}

fn is_deflate(extension: &Extension) -> bool {
    extension.name == EXTENSION_NAME
}

fn params(extension: &Extension) -> impl Iterator<Item = (&str, Option<&str>)> {
    extension.params.iter().map(|param| (param.name.as_str(), param.value.as_deref()))
}
