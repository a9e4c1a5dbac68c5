//! What a server accepts, and what it adds to its answer.

use std::{fmt, net::Ipv6Addr, sync::Arc};

use super::{
    super::{FieldError, authority::Authority, field::Field},
    OriginPolicy,
};

/// What a server accepts. It is made once and serves every request; a clone is
/// cheap enough to add headers for a single one.
///
/// The default is careful: same-origin pages only, no subprotocol.
///
/// ```
/// use wirespeed::handshake::{OriginPolicy, ServerPolicy};
///
/// let policy = ServerPolicy::new()
///     .origin(OriginPolicy::subdomains(["https://example.com"])?)
///     .subprotocols(["book.v2", "book.v1"])
///     .header("Server", "feed/3")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ServerPolicy {
    pub(super) hosts: Option<Arc<[String]>>,
    pub(super) origin: OriginPolicy,
    pub(super) secure: Option<bool>,
    pub(super) subprotocol: SubprotocolChoice,
    pub(super) headers: Vec<Field>,
}

impl ServerPolicy {
    /// Same-origin pages only, no subprotocol, no header of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which web pages may connect.
    #[must_use]
    pub fn origin(mut self, policy: OriginPolicy) -> Self {
        self.origin = policy;
        self
    }

    /// The names, or addresses, that this server answers to, without a port: a request
    /// whose `Host` is none of them is refused. All, unless told otherwise.
    ///
    /// A page can have its own name lead to this server, by what is called DNS
    /// rebinding, and is of the [same origin](OriginPolicy::SameOrigin) then. Whoever
    /// serves on a private network, or to the machine alone, does well to say which
    /// names are right:
    ///
    /// ```
    /// use wirespeed::handshake::ServerPolicy;
    ///
    /// let policy = ServerPolicy::new().hosts(["localhost", "127.0.0.1", "[::1]"]);
    /// ```
    #[must_use]
    pub fn hosts<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.hosts = Some(names.into_iter().map(|name| host_name(name.into())).collect());
        self
    }

    /// Whether clients reach this server over TLS, here or at a proxy in front.
    /// Where it is known, a page must come by the same scheme to be of the same
    /// origin.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// The supported subprotocols, the preferred first: the first that the
    /// client offers as well is chosen, and none if there is no such.
    #[must_use]
    pub fn subprotocols<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.subprotocol = SubprotocolChoice::Preference(names);
        self
    }

    /// Chooses a subprotocol among those that the client offers, its preferred
    /// first. It is asked only if there is an offer; what it chooses must be
    /// from it.
    #[must_use]
    pub fn choose_subprotocol(
        mut self,
        choose: impl for<'o> Fn(&[&'o str]) -> Option<&'o str> + Send + Sync + 'static,
    ) -> Self {
        self.subprotocol = SubprotocolChoice::Callback(Arc::new(choose));
        self
    }

    /// Adds a header to every acceptance.
    ///
    /// # Errors
    ///
    /// [`FieldError`] for what cannot be a header, and for those of the
    /// handshake itself.
    pub fn header(
        mut self,
        name: impl Into<String>,
        value: impl Into<Vec<u8>>,
    ) -> Result<Self, FieldError> {
        self.headers.push(Field::new(name, value)?);
        Ok(self)
    }
}

/// In the form in which a request's `Host` is compared.
fn host_name(name: String) -> String {
    let parsed = match name.parse::<Ipv6Addr>() {
        Ok(address) => return format!("[{address}]"),
        Err(_) => Authority::parse(&name),
    };
    // What is no host is none of any request.
    parsed.map_or(name, |authority| authority.host)
}

type Choose = dyn for<'o> Fn(&[&'o str]) -> Option<&'o str> + Send + Sync;

/// How a subprotocol is chosen.
#[derive(Clone, Default)]
pub(super) enum SubprotocolChoice {
    #[default]
    None,
    Preference(Arc<[String]>),
    Callback(Arc<Choose>),
}

impl SubprotocolChoice {
    pub(super) fn choose<'o>(&self, offered: &[&'o str]) -> Option<&'o str> {
        match self {
            Self::None => None,
            Self::Preference(names) => {
                names.iter().find_map(|name| offered.iter().copied().find(|offer| offer == name))
            }
            Self::Callback(choose) => choose(offered),
        }
    }
}

impl fmt::Debug for SubprotocolChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Preference(names) => f.debug_tuple("Preference").field(names).finish(),
            Self::Callback(_) => f.write_str("Callback"),
        }
    }
}
