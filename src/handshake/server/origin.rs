//! Which web pages may connect (RFC 6455, section 10.2).
//!
//! A browser sends a user's cookies to any server that a page asks it to connect
//! to, and tells the server the page's origin. A server that does not look at
//! it lets every page act in the user's name.

use std::{fmt, str::FromStr, sync::Arc};

use super::super::authority::Authority;

/// An origin in its serialised form, `scheme://host[:port]` (RFC 6454, section
/// 6.2).
///
/// Two are equal if scheme, host and port are; the default port of `http` and
/// `https` may be left out.
#[derive(Debug, Clone)]
pub struct Origin {
    scheme: String,
    authority: Authority,
}

/// Text that is no origin; `null`, the origin of pages that have none, is not
/// one either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an origin")]
pub struct InvalidOrigin {
    text: String,
}

/// Which origins a server accepts. A request without an `Origin` does not come
/// from a browser and is accepted under every policy.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum OriginPolicy {
    /// Pages of the host and port in the request's own `Host`; `http` and
    /// `https` alike, unless
    /// [`ServerPolicy::secure`](super::ServerPolicy::secure) tells which. A page whose
    /// own name was made to lead to this server (DNS rebinding) is of them as well: what
    /// stops it is a list of the server's names, [`hosts`](super::ServerPolicy::hosts),
    /// or one of exact origins.
    #[default]
    SameOrigin,
    /// Every page. Right for public data; never where a cookie authenticates.
    Any,
    /// Pages of these origins.
    Exact(Vec<Origin>),
    /// Pages of these origins and of all subdomains of their hosts.
    Subdomains(Vec<Origin>),
    /// Pages for which this says so. It is given the header as it stands, which
    /// need not be an origin and may be `null`.
    Predicate(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Origin {
    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.authority.host
    }

    /// The port, or the scheme's default if it has one.
    pub fn port(&self) -> Option<u16> {
        self.authority.port.or(self.default_port())
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }

    /// Whether this is `parent` or a subdomain of it.
    fn is_within(&self, parent: &Self) -> bool {
        let is_subdomain = self
            .host()
            .strip_suffix(parent.host())
            .is_some_and(|labels| labels.is_empty() || labels.ends_with('.'));
        is_subdomain && self.scheme == parent.scheme && self.port() == parent.port()
    }

    fn is_same_as_host(&self, host: &Authority, secure: Option<bool>) -> bool {
        let scheme_fits = match (self.scheme.as_str(), secure) {
            ("https", secure) => secure != Some(false),
            ("http", secure) => secure != Some(true),
            _ => false,
        };
        scheme_fits && self.authority.is_same(host, self.default_port())
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let parse = || {
            let (scheme, authority) = text.split_once("://")?;
            let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            is_scheme.then_some(Self {
                scheme: scheme.to_ascii_lowercase(),
                authority: Authority::parse(authority)?,
            })
        };
        parse().ok_or_else(|| InvalidOrigin { text: text.to_owned() })
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host() == other.host() && self.port() == other.port()
    }
}

impl Eq for Origin {}

impl OriginPolicy {
    /// [`Exact`](Self::Exact) from text, such as `https://app.example.com`.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] at the first that is none.
    pub fn exact<T: AsRef<str>>(
        origins: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidOrigin> {
        parse_all(origins).map(Self::Exact)
    }

    /// [`Subdomains`](Self::Subdomains) from text: `https://example.com` also
    /// lets `https://app.example.com` in.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] at the first that is none.
    pub fn subdomains<T: AsRef<str>>(
        origins: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidOrigin> {
        parse_all(origins).map(Self::Subdomains)
    }

    /// [`Predicate`](Self::Predicate) from a closure.
    pub fn predicate(allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Predicate(Arc::new(allows))
    }

    /// Whether a page of `origin` may connect to `host`.
    pub(super) fn allows(&self, origin: &str, host: &Authority, secure: Option<bool>) -> bool {
        let parsed = || origin.parse::<Origin>().ok();
        match self {
            Self::SameOrigin => parsed().is_some_and(|origin| origin.is_same_as_host(host, secure)),
            Self::Any => true,
            Self::Exact(allowed) => parsed().is_some_and(|origin| allowed.contains(&origin)),
            Self::Subdomains(allowed) => {
                parsed().is_some_and(|origin| allowed.iter().any(|parent| origin.is_within(parent)))
            }
            Self::Predicate(allows) => allows(origin),
        }
    }
}

impl fmt::Debug for OriginPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameOrigin => f.write_str("SameOrigin"),
            Self::Any => f.write_str("Any"),
            Self::Exact(origins) => f.debug_tuple("Exact").field(origins).finish(),
            Self::Subdomains(origins) => f.debug_tuple("Subdomains").field(origins).finish(),
            Self::Predicate(_) => f.write_str("Predicate"),
        }
    }
}

fn parse_all<T: AsRef<str>>(
    origins: impl IntoIterator<Item = T>,
) -> Result<Vec<Origin>, InvalidOrigin> {
    origins.into_iter().map(|origin| origin.as_ref().parse()).collect()
}
