//! Negotiation, RFC 7692, 5.1 and 7.1: pure functions over the parameters of
//! an extension header, which somebody else has taken apart.
//!
//! A parameter is its name and its value, if it has one; a quoted value comes
//! here without its quotes.

use std::fmt;

use super::options::{COMPRESSOR_WINDOW_BITS, DeflateOptions};
use super::parameters::{
    CLIENT_MAX_WINDOW_BITS, CLIENT_NO_CONTEXT_TAKEOVER, EXTENSION_NAME, NegotiationError,
    Parameters, SERVER_MAX_WINDOW_BITS, SERVER_NO_CONTEXT_TAKEOVER, Source,
};

const LARGEST_WINDOW_BITS: u8 = *COMPRESSOR_WINDOW_BITS.end();

/// What both sides agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateParams {
    /// The server's messages do not refer to earlier ones.
    pub server_no_context_takeover: bool,
    /// The client's messages do not refer to earlier ones.
    pub client_no_context_takeover: bool,
    /// The server's window is at most 2^this bytes; 8 to 15.
    pub server_max_window_bits: u8,
    /// The client's window is at most 2^this bytes; 8 to 15.
    pub client_max_window_bits: u8,
}

impl Default for DeflateParams {
    /// What an offer and a response without parameters amount to.
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: LARGEST_WINDOW_BITS,
            client_max_window_bits: LARGEST_WINDOW_BITS,
        }
    }
}

/// One offer of a client; `Display` writes it as it stands in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateOffer(Parameters);

impl fmt::Display for DeflateOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_header(f, &self.0)
    }
}

/// What a client with these options offers, in the order of its preference
/// (RFC 7692, 5.1). The header's value is the offers joined by commas.
pub fn offers(options: &DeflateOptions) -> Vec<DeflateOffer> {
    let wanted = Parameters {
        server_no_context_takeover: options.server_no_context_takeover,
        client_no_context_takeover: options.client_no_context_takeover,
        server_max_window_bits: options.server_max_window_bits,
        client_max_window_bits: options
            .client_max_window_bits
            .map(|bits| (bits < LARGEST_WINDOW_BITS).then_some(bits)),
    };
    let undemanding =
        Parameters { server_no_context_takeover: false, server_max_window_bits: None, ..wanted };

    let mut offers = vec![DeflateOffer(wanted)];
    if options.fallback_offer && undemanding != wanted {
        offers.push(DeflateOffer(undemanding));
    }
    offers
}

/// Judges the parameters with which a server accepted one of `offers`.
///
/// The connection must be failed on an error, and also when the response
/// names the extension twice or was not preceded by an offer, which only the
/// caller can see.
///
/// # Errors
///
/// Parameters that are wrong by themselves, or that fit none of the offers; in
/// that case the error says why they do not fit the first.
pub fn accept_response<'a>(
    response: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    offers: &[DeflateOffer],
) -> Result<DeflateParams, NegotiationError> {
    let response = Parameters::parse(response, Source::Response)?;
    let mut first_error = None;
    for DeflateOffer(offer) in offers {
        match accept(&response, offer) {
            Ok(params) => return Ok(params),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(NegotiationError::NotOffered { parameter: EXTENSION_NAME }))
}

/// Chooses the first of a client's offers that a server with these options can
/// accept, and writes the response; `None` declines them all.
///
/// `offers` are the parameters of each [`EXTENSION_NAME`] element of the
/// request, in order. An offer with an unknown, repeated or malformed
/// parameter is passed over, and so is one that wants a window of 2^8 bytes
/// from our compressor, which none can do.
///
/// # Example
///
/// ```
/// use wirespeed::deflate::{DeflateOptions, choose};
///
/// let options = DeflateOptions::for_server().server_no_context_takeover(false);
/// let offers = [vec![("mystery", None)], vec![("client_max_window_bits", None)]];
/// let (params, response) = choose(offers, &options).unwrap();
/// assert!(params.client_no_context_takeover);
/// assert_eq!(response, "permessage-deflate; client_no_context_takeover");
/// ```
pub fn choose<'a, Offer>(
    offers: impl IntoIterator<Item = Offer>,
    options: &DeflateOptions,
) -> Option<(DeflateParams, String)>
where
    Offer: IntoIterator<Item = (&'a str, Option<&'a str>)>,
{
    offers
        .into_iter()
        .filter_map(|offer| Parameters::parse(offer, Source::Offer).ok())
        .find_map(|offer| respond(&offer, options))
}

/// The client's side: `response` is right by itself, does it fit `offer`?
fn accept(response: &Parameters, offer: &Parameters) -> Result<DeflateParams, NegotiationError> {
    if offer.server_no_context_takeover && !response.server_no_context_takeover {
        return Err(NegotiationError::NotGranted { parameter: SERVER_NO_CONTEXT_TAKEOVER });
    }

    if let Some(offered) = offer.server_max_window_bits {
        let parameter = SERVER_MAX_WINDOW_BITS;
        match response.server_max_window_bits {
            None => return Err(NegotiationError::NotGranted { parameter }),
            Some(answered) if answered > offered => {
                return Err(NegotiationError::LargerThanOffered { parameter, offered, answered });
            }
            Some(_) => {}
        }
    }

    // What the client said of itself binds it even where the server is silent.
    let offered = offer.client_max_window_bits.flatten().unwrap_or(LARGEST_WINDOW_BITS);
    let mut client_max_window_bits = offered;
    if let Some(answered) = response.client_max_window_bits.flatten() {
        let parameter = CLIENT_MAX_WINDOW_BITS;
        if offer.client_max_window_bits.is_none() {
            return Err(NegotiationError::NotOffered { parameter });
        }
        if answered > offered {
            return Err(NegotiationError::LargerThanOffered { parameter, offered, answered });
        }
        if !COMPRESSOR_WINDOW_BITS.contains(&answered) {
            return Err(NegotiationError::UnsupportedWindowBits { parameter });
        }
        client_max_window_bits = answered;
    }

    Ok(DeflateParams {
        server_no_context_takeover: response.server_no_context_takeover,
        client_no_context_takeover: response.client_no_context_takeover
            || offer.client_no_context_takeover,
        server_max_window_bits: response.server_max_window_bits.unwrap_or(LARGEST_WINDOW_BITS),
        client_max_window_bits,
    })
}

/// The server's side: the answer to an offer that is right by itself.
fn respond(offer: &Parameters, options: &DeflateOptions) -> Option<(DeflateParams, String)> {
    let server_max_window_bits =
        smaller(offer.server_max_window_bits, options.server_max_window_bits);
    if server_max_window_bits.is_some_and(|bits| !COMPRESSOR_WINDOW_BITS.contains(&bits)) {
        return None;
    }

    // The client may be limited only where it says that it can be.
    let client_max_window_bits = match (offer.client_max_window_bits, options) {
        (Some(offered), DeflateOptions { client_max_window_bits: wanted @ Some(_), .. }) => {
            smaller(offered, *wanted)
        }
        _ => None,
    };

    let response = Parameters {
        server_no_context_takeover: offer.server_no_context_takeover
            || options.server_no_context_takeover,
        client_no_context_takeover: offer.client_no_context_takeover
            || options.client_no_context_takeover,
        server_max_window_bits,
        client_max_window_bits: client_max_window_bits.map(Some),
    };
    let params = DeflateParams {
        server_no_context_takeover: response.server_no_context_takeover,
        client_no_context_takeover: response.client_no_context_takeover,
        server_max_window_bits: server_max_window_bits.unwrap_or(LARGEST_WINDOW_BITS),
        client_max_window_bits: client_max_window_bits.unwrap_or(LARGEST_WINDOW_BITS),
    };
    Some((params, DeflateOffer(response).to_string()))
}

fn smaller(a: Option<u8>, b: Option<u8>) -> Option<u8> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

fn write_header(f: &mut fmt::Formatter<'_>, parameters: &Parameters) -> fmt::Result {
    f.write_str(EXTENSION_NAME)?;
    if parameters.server_no_context_takeover {
        write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
    }
    if parameters.client_no_context_takeover {
        write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
    }
    if let Some(bits) = parameters.server_max_window_bits {
        write!(f, "; {SERVER_MAX_WINDOW_BITS}={bits}")?;
    }
    match parameters.client_max_window_bits {
        Some(Some(bits)) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}={bits}"),
        Some(None) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
