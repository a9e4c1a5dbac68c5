//! `Sec-WebSocket-Extensions`: offers in a request, agreements in a response
//! (RFC 6455, section 9.1).

use std::fmt;

use super::grammar::{self, is_token_byte};

/// Extensions that one handshake may name.
pub const MAX_EXTENSIONS: usize = 32;
/// Parameters that one extension may have.
pub const MAX_PARAMS: usize = 32;

/// An extension with its parameters, offered or agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The extension's name, a token.
    pub name: String,
    /// Its parameters, in the order in which they were written; a name may
    /// occur more than once, which is for the extension to judge.
    pub params: Vec<ExtensionParam>,
}

/// A parameter of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionParam {
    /// The parameter's name, a token.
    pub name: String,
    /// Its value, if it has one: a token, free of the quotes that it may have
    /// been written in.
    pub value: Option<String>,
}

/// A malformed `Sec-WebSocket-Extensions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The list holds no extension.
    #[error("the list of extensions is empty")]
    Empty,
    /// The name of an extension or of a parameter is not a token.
    #[error("the name of an extension or of a parameter is not a token")]
    InvalidName,
    /// The value of a parameter is not a token, or its quotes do not close.
    #[error("the value of an extension's parameter is not a token")]
    InvalidValue,
    /// Something other than `,` or `;` follows an extension or a parameter.
    #[error("an extension or a parameter is followed by something other than a separator")]
    InvalidSeparator,
    /// More than [`MAX_EXTENSIONS`] extensions.
    #[error("more than {MAX_EXTENSIONS} extensions")]
    TooManyExtensions,
    /// More than [`MAX_PARAMS`] parameters of one extension.
    #[error("more than {MAX_PARAMS} parameters of one extension")]
    TooManyParams,
}

impl Extension {
    /// An extension without parameters.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), params: Vec::new() }
    }

    /// Adds a parameter without a value.
    #[must_use]
    pub fn flag(self, name: impl Into<String>) -> Self {
        self.push(name.into(), None)
    }

    /// Adds a parameter with a value.
    #[must_use]
    pub fn param(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.push(name.into(), Some(value.into()))
    }

    /// The parameters as pairs of a name and, if there is one, a value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params.iter().map(|param| (param.name.as_str(), param.value.as_deref()))
    }

    fn push(mut self, name: String, value: Option<String>) -> Self {
        self.params.push(ExtensionParam { name, value });
        self
    }
}

/// Writes the extension as it stands in the header: `name; flag; param=value`.
impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for param in &self.params {
            write!(f, "; {}", param.name)?;
            if let Some(value) = &param.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Parses the header, of which there may be several lines: they are one list.
///
/// Values may be quoted, but what is between the quotes must be a token.
/// Empty list members count for nothing; a list of nothing else is an error.
/// The work is linear in the bytes.
///
/// # Errors
///
/// [`ExtensionError`] at the first fault.
///
/// ```
/// use wirespeed::handshake::{Extension, extension};
///
/// let lines = ["mux; max-channels=\"4\"", "private"];
/// assert_eq!(
///     extension::parse(lines),
///     Ok(vec![Extension::new("mux").param("max-channels", "4"), Extension::new("private")])
/// );
/// ```
pub fn parse<L>(lines: L) -> Result<Vec<Extension>, ExtensionError>
where
    L: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut extensions = Vec::new();
    for line in lines {
        Parser { rest: line.as_ref() }.list(&mut extensions)?;
    }
    if extensions.is_empty() { Err(ExtensionError::Empty) } else { Ok(extensions) }
}

/// Writes a header value that [`parse`] reads back as `extensions`.
///
/// # Errors
///
/// [`ExtensionError::InvalidName`] or [`InvalidValue`](ExtensionError::InvalidValue)
/// for what is not a token, and the errors of the limits.
pub fn format(extensions: &[Extension]) -> Result<String, ExtensionError> {
    check(extensions)?;
    let parts: Vec<_> = extensions.iter().map(Extension::to_string).collect();
    Ok(parts.join(", "))
}

fn check(extensions: &[Extension]) -> Result<(), ExtensionError> {
    match extensions.len() {
        0 => return Err(ExtensionError::Empty),
        1..=MAX_EXTENSIONS => {}
        _ => return Err(ExtensionError::TooManyExtensions),
    }
    for extension in extensions {
        if extension.params.len() > MAX_PARAMS {
            return Err(ExtensionError::TooManyParams);
        }
        let mut names = extension.params.iter().map(|param| &param.name).chain([&extension.name]);
        if !names.all(|name| grammar::is_token(name.as_bytes())) {
            return Err(ExtensionError::InvalidName);
        }
        let mut values = extension.params.iter().filter_map(|param| param.value.as_ref());
        if !values.all(|value| grammar::is_token(value.as_bytes())) {
            return Err(ExtensionError::InvalidValue);
        }
    }
    Ok(())
}

/// What is left of one header line. Every method moves forward, none looks
/// back.
struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn list(&mut self, extensions: &mut Vec<Extension>) -> Result<(), ExtensionError> {
        loop {
            while self.eat(b',') {}
            if self.rest.is_empty() {
                return Ok(());
            }
            if extensions.len() == MAX_EXTENSIONS {
                return Err(ExtensionError::TooManyExtensions);
            }
            extensions.push(self.extension()?);
            if !self.rest.is_empty() && !self.eat(b',') {
                return Err(ExtensionError::InvalidSeparator);
            }
        }
    }

    fn extension(&mut self) -> Result<Extension, ExtensionError> {
        let mut extension = Extension::new(self.token().ok_or(ExtensionError::InvalidName)?);
        while self.eat(b';') {
            if extension.params.len() == MAX_PARAMS {
                return Err(ExtensionError::TooManyParams);
            }
            let name = self.token().ok_or(ExtensionError::InvalidName)?;
            let value = if self.eat(b'=') { Some(self.value()?) } else { None };
            extension.params.push(ExtensionParam { name, value });
        }
        Ok(extension)
    }

    fn value(&mut self) -> Result<String, ExtensionError> {
        let value = if self.eat(b'"') { self.quoted_token() } else { self.token() };
        value.ok_or(ExtensionError::InvalidValue)
    }

    /// What is left of a quoted string whose content must be a token, so that
    /// the first character that cannot stand in one ends the search.
    fn quoted_token(&mut self) -> Option<String> {
        let mut token = String::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let byte = match byte {
                b'"' => break,
                b'\\' => {
                    let (&escaped, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    escaped
                }
                _ => byte,
            };
            if !is_token_byte(byte) {
                return None;
            }
            token.push(byte.into());
        }
        self.skip_blanks();
        (!token.is_empty()).then_some(token)
    }

    fn token(&mut self) -> Option<String> {
        let length = self.rest.iter().take_while(|&&byte| is_token_byte(byte)).count();
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.skip_blanks();
        // A token is ASCII, so each byte is a character.
        (length > 0).then(|| token.iter().copied().map(char::from).collect())
    }

    /// Takes `byte` and the blanks around it, if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let Some(rest) = self.rest.strip_prefix(&[byte]) else {
            return false;
        };
        self.rest = rest;
        // Blanks inside quotes are not padding.
        if byte != b'"' {
            self.skip_blanks();
        }
        true
    }

    fn skip_blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}
