//! The four parameters of the extension, as they stand in a header.

use thiserror::Error;

/// The extension's token in `Sec-WebSocket-Extensions`.
pub const EXTENSION_NAME: &str = "permessage-deflate";

pub(super) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
pub(super) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// Why a list of parameters cannot be agreed to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NegotiationError {
    /// A parameter that RFC 7692 does not define.
    #[error("unknown permessage-deflate parameter {name:?}")]
    UnknownParameter {
        /// The name as the peer sent it: do not trust it in a log.
        name: Box<str>,
    },
    /// A parameter that stands twice in one list.
    #[error("duplicate {parameter}")]
    DuplicateParameter {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A `no_context_takeover` parameter with a value.
    #[error("{parameter} takes no value")]
    UnexpectedValue {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A `max_window_bits` parameter without the value that it needs.
    #[error("{parameter} needs a value")]
    MissingValue {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// A window size that is not a number from 8 to 15 in its shortest form.
    #[error("{parameter} is {value:?}, not a number from 8 to 15")]
    InvalidWindowBits {
        /// The parameter's name.
        parameter: &'static str,
        /// The value as the peer sent it: do not trust it in a log.
        value: Box<str>,
    },
    /// The server sets a parameter that the client has not offered.
    #[error("{parameter} in the response was not offered")]
    NotOffered {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// The server grants less than what the client made a condition.
    #[error("{parameter} was offered and is missing in the response")]
    NotGranted {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// The server answers with a larger window than was offered.
    #[error("{parameter} was offered as {offered} and answered with {answered}")]
    LargerThanOffered {
        /// The parameter's name.
        parameter: &'static str,
        /// Window bits in the offer.
        offered: u8,
        /// Window bits in the response.
        answered: u8,
    },
    /// A window of 2^8 bytes demanded of our own compressor, which cannot.
    #[error("{parameter}=8 is more than this compressor can do")]
    UnsupportedWindowBits {
        /// The parameter's name.
        parameter: &'static str,
    },
}

/// Who wrote a list of parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A client's offer, in which `client_max_window_bits` may lack a value.
    Offer,
    /// A server's response.
    Response,
}

/// A list of parameters that is right by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    /// `Some(None)`: offered without a value.
    pub(super) client_max_window_bits: Option<Option<u8>>,
}

impl Parameters {
    pub(super) fn parse<'a>(
        list: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        source: Source,
    ) -> Result<Self, NegotiationError> {
        let mut parsed = Self::default();
        for (name, value) in list {
            match name {
                SERVER_NO_CONTEXT_TAKEOVER => {
                    flag(&mut parsed.server_no_context_takeover, SERVER_NO_CONTEXT_TAKEOVER, value)?
                }
                CLIENT_NO_CONTEXT_TAKEOVER => {
                    flag(&mut parsed.client_no_context_takeover, CLIENT_NO_CONTEXT_TAKEOVER, value)?
                }
                SERVER_MAX_WINDOW_BITS => {
                    let parameter = SERVER_MAX_WINDOW_BITS;
                    let value = value.ok_or(NegotiationError::MissingValue { parameter })?;
                    once(
                        &mut parsed.server_max_window_bits,
                        parameter,
                        window_bits(parameter, value)?,
                    )?;
                }
                CLIENT_MAX_WINDOW_BITS => {
                    let parameter = CLIENT_MAX_WINDOW_BITS;
                    if value.is_none() && source == Source::Response {
                        return Err(NegotiationError::MissingValue { parameter });
                    }
                    let value = value.map(|value| window_bits(parameter, value)).transpose()?;
                    once(&mut parsed.client_max_window_bits, parameter, value)?;
                }
                _ => return Err(NegotiationError::UnknownParameter { name: name.into() }),
            }
        }
        Ok(parsed)
    }
}

fn flag(
    seen: &mut bool,
    parameter: &'static str,
    value: Option<&str>,
) -> Result<(), NegotiationError> {
    if value.is_some() {
        return Err(NegotiationError::UnexpectedValue { parameter });
    }
    if std::mem::replace(seen, true) {
        return Err(NegotiationError::DuplicateParameter { parameter });
    }
    Ok(())
}

fn once<T>(
    seen: &mut Option<T>,
    parameter: &'static str,
    value: T,
) -> Result<(), NegotiationError> {
    match seen.replace(value) {
        Some(_) => Err(NegotiationError::DuplicateParameter { parameter }),
        None => Ok(()),
    }
}

/// Parses `8` to `15`; no sign, no leading zero, no white space.
fn window_bits(parameter: &'static str, value: &str) -> Result<u8, NegotiationError> {
    Ok(match value {
        "8" => 8,
        "9" => 9,
        "10" => 10,
        "11" => 11,
        "12" => 12,
        "13" => 13,
        "14" => 14,
        "15" => 15,
        _ => return Err(NegotiationError::InvalidWindowBits { parameter, value: value.into() }),
    })
}
