//! Proxies: which one to use, and how to be let through it.
//!
//! The protocols ([`Tunnel`]) are state machines without I/O, shared by all
//! drivers.

mod environment;
mod http_connect;
mod socks5;
mod tunnel;

use std::fmt;
use std::str::FromStr;

use super::url::{self, UrlError};

pub use environment::EnvironmentProxies;
pub use tunnel::Tunnel;

/// A proxy: how to talk to it, where it is, and who one is to it.
///
/// ```
/// use wirespeed::net::proxy::{Proxy, ProxyScheme};
///
/// let proxy: Proxy = "http://user:p%40ss@proxy.example:3128".parse()?;
/// assert_eq!(proxy.scheme(), ProxyScheme::Http);
/// assert_eq!((proxy.host(), proxy.port()), ("proxy.example", 3128));
/// # Ok::<(), wirespeed::net::proxy::ProxyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    scheme: ProxyScheme,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

/// How to talk to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// HTTP `CONNECT` (RFC 9110, section 9.3.6), in the clear.
    Http,
    /// HTTP `CONNECT` over TLS with the proxy.
    Https,
    /// SOCKS version 5 (RFC 1928, RFC 1929). The proxy resolves the name.
    Socks5,
}

#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: String,
}

/// Why a proxy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The scheme is none of `http`, `https`, `socks5` and `socks5h`.
    #[error("a proxy's URL starts with http, https, socks5 or socks5h")]
    Scheme,
    /// The proxy's URL has a host or a port that is none.
    #[error("invalid proxy URL: {0}")]
    Url(#[source] UrlError),
    /// The user name or the password in the proxy's URL is wrongly encoded.
    #[error("the credentials in the proxy's URL are not percent-encoded UTF-8")]
    CredentialsEncoding,
    /// The protocol has no form for these credentials: a user name with a colon
    /// (HTTP), or more than 255 bytes of either (SOCKS).
    #[error("the proxy's protocol cannot carry these credentials")]
    CredentialsForm,
    /// An HTTP proxy refuses; 407 asks for (other) credentials.
    #[error("refused with HTTP status {status}")]
    Refused {
        /// The status code.
        status: u16,
    },
    /// A SOCKS proxy cannot connect, or may not.
    #[error("SOCKS reply {code}: {}", socks5::reply_text(*code))]
    SocksReply {
        /// The code of RFC 1928, section 6.
        code: u8,
    },
    /// A SOCKS proxy accepts none of the ways to authenticate on offer.
    #[error("the SOCKS proxy accepts none of the ways to authenticate on offer")]
    NoAuthenticationMethod,
    /// A SOCKS proxy refuses the credentials.
    #[error("the SOCKS proxy refuses the credentials")]
    AuthenticationRefused,
    /// The answer is not of the protocol that was expected.
    #[error("malformed answer")]
    Malformed,
    /// The answer has a head of more than 8 KiB or 64 headers.
    #[error("the answer's head is larger than 8 KiB or 64 headers")]
    TooLarge,
    /// The proxy has closed the connection without an answer.
    #[error("closed without an answer")]
    Closed,
}

impl Proxy {
    /// A proxy at `host` (a name, or an address without brackets).
    ///
    /// # Errors
    ///
    /// [`ProxyError::Url`] if the host is neither, or the port is 0.
    pub fn new(scheme: ProxyScheme, host: &str, port: u16) -> Result<Self, ProxyError> {
        let authority =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let (host, _) = url::split_authority(&authority).map_err(ProxyError::Url)?;
        Ok(Self { scheme, host: host.into_text(), port, credentials: None })
    }

    /// Identifies with these credentials: Basic for HTTP, RFC 1929 for SOCKS.
    #[must_use]
    pub fn with_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// How to talk to it.
    #[must_use]
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// Its host: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Reads `[scheme://][user:password@]host[:port][/]`. Without a scheme it is
/// `http`; without a port 80, 443 or 1080. Credentials are percent-encoded.
impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyScheme::Http, 80),
            "https" => (ProxyScheme::Https, 443),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080),
            _ => return Err(ProxyError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (credentials, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(parse_userinfo(userinfo)?), authority),
            None => (None, rest),
        };
        let (host, port) = url::split_authority(authority).map_err(ProxyError::Url)?;
        let port = port.unwrap_or(default_port);
        Ok(Self { scheme, host: host.into_text(), port, credentials })
    }
}

/// Without the credentials, which do not belong in logs.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn parse_userinfo(userinfo: &str) -> Result<Credentials, ProxyError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Ok(Credentials { user: percent_decode(user)?, password: percent_decode(password)? })
}

fn percent_decode(text: &str) -> Result<String, ProxyError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(ProxyError::CredentialsEncoding);
        };
        decoded.push((high << 4 | low) as u8);
    }
    String::from_utf8(decoded).map_err(|_| ProxyError::CredentialsEncoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls() {
        for (text, scheme, host, port, credentials) in [
            ("proxy", ProxyScheme::Http, "proxy", 80, None),
            ("proxy:3128", ProxyScheme::Http, "proxy", 3128, None),
            ("HTTP://Proxy:3128/", ProxyScheme::Http, "proxy", 3128, None),
            ("https://proxy", ProxyScheme::Https, "proxy", 443, None),
            ("socks5://[::1]", ProxyScheme::Socks5, "::1", 1080, None),
            ("socks5h://127.0.0.1:9050", ProxyScheme::Socks5, "127.0.0.1", 9050, None),
            ("http://u@proxy", ProxyScheme::Http, "proxy", 80, Some(("u", ""))),
            ("http://u:p%40%3a:@proxy", ProxyScheme::Http, "proxy", 80, Some(("u", "p@::"))),
            ("u:a@b@proxy:1", ProxyScheme::Http, "proxy", 1, Some(("u", "a@b"))),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!((proxy.scheme, &*proxy.host, proxy.port), (scheme, host, port), "{text}");
            let found = proxy.credentials.as_ref().map(|c| (&*c.user, &*c.password));
            assert_eq!(found, credentials, "{text}");
            assert!(!format!("{proxy:?}").contains("a@b"), "{text}");
        }
    }

    #[test]
    fn what_is_no_proxy_url_is_refused() {
        for (text, error) in [
            ("", ProxyError::Url(UrlError::EmptyHost)),
            ("http://", ProxyError::Url(UrlError::EmptyHost)),
            ("ftp://proxy", ProxyError::Scheme),
            ("socks4://proxy", ProxyError::Scheme),
            ("http://proxy/path", ProxyError::Url(UrlError::InvalidHost)),
            ("http://proxy:x", ProxyError::Url(UrlError::InvalidPort)),
            ("http://a%zz@proxy", ProxyError::CredentialsEncoding),
            ("http://a%f@proxy", ProxyError::CredentialsEncoding),
            ("http://%ff@proxy", ProxyError::CredentialsEncoding),
        ] {
            assert_eq!(text.parse::<Proxy>(), Err(error), "{text}");
        }
        assert!(Proxy::new(ProxyScheme::Http, "a b", 1).is_err());
        assert!(Proxy::new(ProxyScheme::Http, "proxy", 0).is_err());
        assert_eq!(Proxy::new(ProxyScheme::Http, "::1", 1).unwrap().host(), "::1");
    }
}
