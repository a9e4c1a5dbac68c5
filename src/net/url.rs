//! ws and wss URLs (RFC 6455, section 3).

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A `ws:` or `wss:` URL, taken apart.
///
/// The path and the query are kept byte for byte: `..`, `//`, `%7e`, `@` or a
/// `/` inside the query reach the server as they were written. Only what servers
/// do not take in a request line is changed, as browsers do: characters outside ASCII
/// are percent-encoded as UTF-8, and so are `"`, `<`, `>` and the backtick. No URL may
/// hold `{`, `}`, `|`, `\` and `^` either, but they are kept: there are feeds whose
/// queries carry JSON or lists, and servers that compare them as they stand.
///
/// Refused, each with an error of its own:
/// - a fragment (RFC 6455 has no use for one; a literal `#` is written `%23`)
/// - `user:password@`, which the grammar of ws URLs does not have: credentials
///   belong in an `Authorization` header, and not where URLs get logged
/// - spaces and control characters, rather than guessing what was meant
/// - hosts that resolvers read in surprising ways, such as `127.1`
///
/// Host names outside ASCII have to be given in their encoded form (`xn--`).
///
/// ```
/// use wirespeed::WebSocketUrl;
///
/// let url: WebSocketUrl = "wss://[2001:db8::1]:8443/stream?streams=a/b".parse()?;
/// assert!(url.is_secure());
/// assert_eq!(url.host(), "2001:db8::1");
/// assert_eq!(url.port(), 8443);
/// assert_eq!(url.host_header(), "[2001:db8::1]:8443");
/// assert_eq!(url.resource(), "/stream?streams=a/b");
/// # Ok::<(), wirespeed::net::UrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebSocketUrl {
    secure: bool,
    /// In lower case; an IPv6 address without its brackets.
    host: String,
    ip: Option<IpAddr>,
    port: u16,
    resource: String,
}

/// Why a text is not a WebSocket URL.
///
/// An `index` counts bytes from the start of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text does not start with `ws://` or `wss://`.
    #[error("a WebSocket URL starts with ws:// or wss://")]
    Scheme,
    /// The authority holds a user name or a password.
    #[error("a WebSocket URL has no user name or password; send an Authorization header instead")]
    UserInfo,
    /// There is no host.
    #[error("the URL has no host")]
    EmptyHost,
    /// The host is neither a DNS name in ASCII nor an IP address.
    #[error("the URL's host is neither a DNS name in ASCII nor an IP address")]
    InvalidHost,
    /// The port is not a number from 1 to 65535.
    #[error("the URL's port is not a number from 1 to 65535")]
    InvalidPort,
    /// The URL has a fragment.
    #[error("a WebSocket URL has no fragment (byte {index}); write a literal # as %23")]
    Fragment {
        /// Where the `#` stands.
        index: usize,
    },
    /// A space or a control character stands in the path or the query.
    #[error("a space or control character stands at byte {index} of the URL; percent-encode it")]
    InvalidCharacter {
        /// Where it stands.
        index: usize,
    },
}

impl WebSocketUrl {
    /// Takes `text` apart.
    ///
    /// # Errors
    ///
    /// [`UrlError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(index) = text.find('#') {
            return Err(UrlError::Fragment { index });
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let secure = if scheme.eq_ignore_ascii_case("wss") {
            true
        } else if scheme.eq_ignore_ascii_case("ws") {
            false
        } else {
            return Err(UrlError::Scheme);
        };
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        Ok(Self {
            secure,
            ip: host.ip(),
            host: host.into_text(),
            port: port.unwrap_or(default_port(secure)),
            resource: encode_resource(resource, text.len() - resource.len())?,
        })
    }

    /// Whether the connection runs over TLS (`wss`).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host: a DNS name in lower case, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as an IP address, if it is one and needs no resolving.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The port: 80 (`ws`) or 443 (`wss`) if the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The target of the HTTP request: path and query, at least `/`.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The value of the `Host` header (RFC 6455, section 4.1): the port only
    /// if it is not the scheme's own, an IPv6 address in brackets.
    #[must_use]
    pub fn host_header(&self) -> Cow<'_, str> {
        let host = match self.ip {
            Some(IpAddr::V6(_)) => Cow::Owned(format!("[{}]", self.host)),
            _ => Cow::Borrowed(self.host.as_str()),
        };
        if self.port == default_port(self.secure) {
            host
        } else {
            Cow::Owned(format!("{host}:{}", self.port))
        }
    }

    /// Host and port in the form that a proxy's `CONNECT` takes: the port
    /// always, an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.ip {
            Some(IpAddr::V6(_)) => format!("[{}]:{}", self.host, self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    /// The name that the server's certificate has to hold, and that a DNS
    /// name is announced with (SNI).
    ///
    /// # Errors
    ///
    /// [`UrlError::InvalidHost`] if TLS has no form for this name.
    #[cfg(feature = "tls")]
    pub fn server_name(&self) -> Result<rustls::pki_types::ServerName<'static>, UrlError> {
        match self.ip {
            Some(ip) => Ok(ip.into()),
            None => self.host.clone().try_into().map_err(|_| UrlError::InvalidHost),
        }
    }
}

/// The URL as it is asked for, normal form: lower-case scheme and host, no
/// port where it is the scheme's own, at least `/` as the path.
impl fmt::Display for WebSocketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host_header(), self.resource)
    }
}

impl FromStr for WebSocketUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for WebSocketUrl {
    type Error = UrlError;

    fn try_from(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&String> for WebSocketUrl {
    type Error = UrlError;

    fn try_from(text: &String) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for WebSocketUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, UrlError> {
        Self::parse(&text)
    }
}

impl From<&WebSocketUrl> for WebSocketUrl {
    fn from(url: &WebSocketUrl) -> Self {
        url.clone()
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A host, and a port where one is given, after RFC 3986, section 3.2. The
/// callers of other schemes (proxies) cut the user information off before.
pub(super) fn split_authority(authority: &str) -> Result<(Host, Option<u16>), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(literal) => {
            let (address, after) = literal.split_once(']').ok_or(UrlError::InvalidHost)?;
            let ip = address.parse().map_err(|_| UrlError::InvalidHost)?;
            let port = match after.strip_prefix(':') {
                Some(port) => port,
                None if after.is_empty() => "",
                None => return Err(UrlError::InvalidPort),
            };
            (Host::V6(ip), port)
        }
        None => {
            let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
            (Host::parse_name(name)?, port)
        }
    };
    Ok((host, parse_port(port)?))
}

/// `None` for an empty port, which RFC 3986 reads as the scheme's own.
fn parse_port(digits: &str) -> Result<Option<u16>, UrlError> {
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::InvalidPort);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(UrlError::InvalidPort),
        Ok(port) => Ok(Some(port)),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    fn parse_name(name: &str) -> Result<Self, UrlError> {
        if name.is_empty() {
            return Err(UrlError::EmptyHost);
        }
        if let Ok(ip) = name.parse() {
            return Ok(Self::V4(ip));
        }
        // One dot at the end marks an absolute name.
        let labels = name.strip_suffix('.').unwrap_or(name);
        let last = labels.rsplit('.').next().unwrap_or(labels);
        if labels.len() > 253 || !labels.split('.').all(is_label) || looks_numeric(last) {
            return Err(UrlError::InvalidHost);
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some((*ip).into()),
            Self::V6(ip) => Some((*ip).into()),
        }
    }

    pub(super) fn into_text(self) -> String {
        match self {
            Self::Name(name) => name,
            Self::V4(ip) => ip.to_string(),
            Self::V6(ip) => ip.to_string(),
        }
    }
}

/// A label as DNS carries it, with the underscore that host names in use have.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether resolvers take a name that ends in this label for an IPv4 address
/// (`127.1`, `0x7f000001`), which then goes past every check of the address.
fn looks_numeric(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// `offset` is where `resource` starts in the URL.
fn encode_resource(resource: &str, offset: usize) -> Result<String, UrlError> {
    let mut encoded = String::with_capacity(resource.len() + 1);
    if !resource.starts_with('/') {
        encoded.push('/');
    }
    for (index, character) in resource.char_indices() {
        if character == ' ' || character.is_control() {
            return Err(UrlError::InvalidCharacter { index: offset + index });
        }
        if character.is_ascii() && !matches!(character, '"' | '<' | '>' | '`') {
            encoded.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> WebSocketUrl {
        WebSocketUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn r1_the_resource_is_path_and_query_as_written() {
        for (text, resource) in [
            ("ws://h", "/"),
            ("ws://h/", "/"),
            ("ws://h?a=b", "/?a=b"),
            ("ws://h/?", "/?"),
            ("ws://h/a/../b/./c//d", "/a/../b/./c//d"),
            ("ws://h/%7euser/%2F%zz%", "/%7euser/%2F%zz%"),
            (
                "ws://h/stream?streams=a@b/c!d&e=http://x:1/y?z",
                "/stream?streams=a@b/c!d&e=http://x:1/y?z",
            ),
            ("ws://h/q?json={\"a\":[1|2]}\\^", "/q?json={%22a%22:[1|2]}\\^"),
            ("ws://h/`a`?b=<c>", "/%60a%60?b=%3Cc%3E"),
            ("ws://h/a%23b", "/a%23b"),
            ("ws://h/ws/币安人生usdt@trade", "/ws/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@trade"),
            ("ws://h/?s=é", "/?s=%C3%A9"),
        ] {
            assert_eq!(parse(text).resource(), resource, "{text}");
        }
    }

    #[test]
    fn r1_a_fragment_is_refused_wherever_it_stands() {
        for (text, index) in
            [("ws://h/#", 7), ("ws://h#a", 6), ("wss://h/a?b#c", 11), ("#", 0), ("ws://a#b@c/", 6)]
        {
            assert_eq!(WebSocketUrl::parse(text), Err(UrlError::Fragment { index }), "{text}");
        }
    }

    #[test]
    fn r1_what_is_no_websocket_url_is_refused() {
        use UrlError::*;
        for (text, error) in [
            ("", Scheme),
            ("h", Scheme),
            ("//h/", Scheme),
            ("http://h/", Scheme),
            ("https://h/", Scheme),
            (" ws://h/", Scheme),
            ("ws:/h/", Scheme),
            ("ws:h", Scheme),
            ("ws://", EmptyHost),
            ("ws:///a", EmptyHost),
            ("ws://:80/", EmptyHost),
            ("ws://?a", EmptyHost),
            ("ws://user@h/", UserInfo),
            ("ws://user:pass@h/", UserInfo),
            ("ws://@h/", UserInfo),
            ("ws://h:0/", InvalidPort),
            ("ws://h:65536/", InvalidPort),
            ("ws://h:99999999999999999999/", InvalidPort),
            ("ws://h:+80/", InvalidPort),
            ("ws://h:8o/", InvalidPort),
            ("ws://h:80:80/", InvalidPort),
            ("ws://[::1]80/", InvalidPort),
            ("ws://::1/", EmptyHost),
            ("ws://fe80::1/", InvalidPort),
            ("ws://[::1/", InvalidHost),
            ("ws://[]/", InvalidHost),
            ("ws://[1.2.3.4]/", InvalidHost),
            ("ws://[fe80::1%25eth0]/", InvalidHost),
            ("ws://h h/", InvalidHost),
            ("ws://h\\@evil/", UserInfo),
            ("ws://h\\evil/", InvalidHost),
            ("ws://h%41/", InvalidHost),
            ("ws://bücher.example/", InvalidHost),
            ("ws://a..b/", InvalidHost),
            ("ws://.a/", InvalidHost),
            ("ws://./", InvalidHost),
            ("ws://-a.b/", InvalidHost),
            ("ws://127.1/", InvalidHost),
            ("ws://2130706433/", InvalidHost),
            ("ws://0x7f.1/", InvalidHost),
            ("ws://a.0x7f/", InvalidHost),
            ("ws://256.1.1.1/", InvalidHost),
            ("ws://h/a b", InvalidCharacter { index: 8 }),
            ("ws://h/\r\nX: y", InvalidCharacter { index: 7 }),
            ("ws://h/\0", InvalidCharacter { index: 7 }),
            ("ws://h/\u{7f}", InvalidCharacter { index: 7 }),
            ("ws://h/é\u{85}", InvalidCharacter { index: 9 }),
            ("ws://h/ ", InvalidCharacter { index: 7 }),
        ] {
            assert_eq!(WebSocketUrl::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_limits() {
        let label = "a".repeat(63);
        let name = [label.as_str(); 4].join(".");
        assert!(WebSocketUrl::parse(&format!("ws://{}/", &name[..253])).is_ok());
        assert!(WebSocketUrl::parse(&format!("ws://{name}/")).is_err());
        assert!(WebSocketUrl::parse(&format!("ws://{label}a/")).is_err());
    }

    #[test]
    fn r5_the_host_header_names_only_a_port_of_its_own() {
        for (text, header, authority) in [
            ("ws://h/", "h", "h:80"),
            ("ws://h:/", "h", "h:80"),
            ("ws://h:80/", "h", "h:80"),
            ("ws://h:443/", "h:443", "h:443"),
            ("wss://h:443/", "h", "h:443"),
            ("wss://h:80/", "h:80", "h:80"),
            ("WSS://Example.COM:08443/", "example.com:8443", "example.com:8443"),
            ("ws://example.com./", "example.com.", "example.com.:80"),
            ("ws://192.0.2.1:81/", "192.0.2.1:81", "192.0.2.1:81"),
            ("ws://[::1]/", "[::1]", "[::1]:80"),
            ("wss://[2001:DB8::1]:8443/", "[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        ] {
            let url = parse(text);
            assert_eq!(url.host_header(), header, "{text}");
            assert_eq!(url.authority(), authority, "{text}");
        }
    }

    #[test]
    fn the_parts_and_the_whole() {
        let url = parse("WSS://[0:0::1]/a?b");
        assert!(url.is_secure());
        assert_eq!((url.host(), url.port()), ("::1", 443));
        assert_eq!(url.ip(), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(url.to_string(), "wss://[::1]/a?b");
        let url = parse("ws://my_host-1:8080");
        assert!(!url.is_secure());
        assert_eq!((url.host(), url.port(), url.ip()), ("my_host-1", 8080, None));
        assert_eq!(url.to_string(), "ws://my_host-1:8080/");
        assert_eq!(parse(&url.to_string()), url);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn r3_every_host_has_a_server_name() {
        for (text, name) in [
            ("wss://Example.com/", "example.com"),
            ("wss://my_host.example/", "my_host.example"),
            ("wss://127.0.0.1/", "127.0.0.1"),
            ("wss://[::1]/", "::1"),
        ] {
            assert_eq!(parse(text).server_name().unwrap().to_str(), name);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(wss?://)?\\PC*") {
            if let Ok(url) = WebSocketUrl::parse(&text) {
                // What is sent cannot break out of a request line.
                proptest::prop_assert!(url.resource().bytes().all(|b| (0x21..0x7f).contains(&b)));
                proptest::prop_assert!(url.host_header().bytes().all(|b| (0x21..0x7f).contains(&b)));
                proptest::prop_assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(url));
            }
        }
    }
}
