//! Proxies from the usual environment variables.

use std::env;
use std::net::IpAddr;

use super::{Proxy, ProxyError};
use crate::net::WebSocketUrl;

/// The proxies that the environment asks for.
///
/// - `wss` URLs: `https_proxy`, `HTTPS_PROXY`
/// - `ws` URLs: `http_proxy`, in lower case only, since a CGI server turns a
///   request's `Proxy` header into `HTTP_PROXY`. Windows, which does not tell them
///   apart, has none where a CGI server has set `REQUEST_METHOD`
/// - both, where these are unset: `all_proxy`, `ALL_PROXY`
/// - none for what `no_proxy` or `NO_PROXY` lists, separated by commas or
///   spaces: a domain stands for itself and everything below it (with or
///   without a leading dot), an address for itself, `10.0.0.0/8` for a
///   network, a `:port` behind any of the first two for that port alone, and
///   `*` for all
/// - none for `localhost` and loopback addresses
///
/// An empty variable is an unset one.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentProxies {
    secure: Option<Result<Proxy, ProxyError>>,
    plain: Option<Result<Proxy, ProxyError>>,
    exceptions: Vec<Exception>,
}

impl EnvironmentProxies {
    /// Reads the process's environment.
    #[must_use]
    pub fn from_env() -> Self {
        let is_cgi = cfg!(windows) && env::var_os("REQUEST_METHOD").is_some();
        Self::from_lookup(|name| {
            let value = if is_cgi && name == "http_proxy" { None } else { env::var_os(name) };
            // What is not UTF-8 stays an error: the connection is not to be made directly.
            value.map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Reads variables through `lookup`.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| lookup(name).filter(|value| !value.trim().is_empty()))
        };
        let proxy = |names: &[&str]| first(names).map(|value| value.trim().parse());
        Self {
            secure: proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            plain: proxy(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            exceptions: first(&["no_proxy", "NO_PROXY"])
                .map(|list| {
                    list.split([',', ' ', '\t'])
                        .filter(|entry| !entry.is_empty())
                        .map(Exception::parse)
                        .collect()
                })
                .unwrap_or_default(),
        }
    }

    /// The proxy for `url`, if it is to be reached through one.
    ///
    /// # Errors
    ///
    /// Why the variable that names the proxy cannot be understood: a
    /// connection that was meant to go through a proxy is not made directly.
    pub fn proxy_for(&self, url: &WebSocketUrl) -> Result<Option<&Proxy>, ProxyError> {
        let proxy = if url.is_secure() { &self.secure } else { &self.plain };
        match proxy {
            Some(proxy) if !is_local(url) && !self.exceptions.iter().any(|e| e.covers(url)) => {
                proxy.as_ref().map(Some).map_err(Clone::clone)
            }
            _ => Ok(None),
        }
    }
}

fn is_local(url: &WebSocketUrl) -> bool {
    match url.ip() {
        Some(ip) => ip.is_loopback(),
        None => name_is_within(url.host(), "localhost"),
    }
}

/// Whether `name` is `domain`, or below it. Both are in lower case.
fn name_is_within(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    match name.strip_suffix(domain) {
        Some(rest) => rest.is_empty() || rest.ends_with('.'),
        None => false,
    }
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    All,
    Network { address: IpAddr, prefix: u32 },
    Host { host: Host, port: Option<u16> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Domain(String),
}

impl Exception {
    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::All;
        }
        if let Some((address, prefix)) = entry.split_once('/')
            && let (Ok(address), Ok(prefix)) = (address.parse(), prefix.parse())
        {
            return Self::Network { address, prefix };
        }
        // The colons of a bare IPv6 address are no port.
        if let Ok(address) = entry.parse() {
            return Self::Host { host: Host::Address(address), port: None };
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                (host, port.parse().ok())
            }
            _ => (entry, None),
        };
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match address.unwrap_or(host).parse() {
            Ok(address) => Host::Address(address),
            Err(_) => {
                let domain = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
                let domain = domain.unwrap_or(host);
                Host::Domain(domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase())
            }
        };
        Self::Host { host, port }
    }

    fn covers(&self, url: &WebSocketUrl) -> bool {
        match self {
            Self::All => true,
            Self::Network { address, prefix } => {
                url.ip().is_some_and(|ip| is_in_network(ip, *address, *prefix))
            }
            Self::Host { host, port } => {
                port.is_none_or(|port| port == url.port())
                    && match host {
                        Host::Address(address) => url.ip() == Some(*address),
                        Host::Domain(domain) => {
                            url.ip().is_none() && name_is_within(url.host(), domain)
                        }
                    }
            }
        }
    }
}

fn is_in_network(ip: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) if prefix <= 32 => {
            let differing = ip.to_bits() ^ network.to_bits();
            differing.checked_shr(32 - prefix).unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) if prefix <= 128 => {
            let differing = ip.to_bits() ^ network.to_bits();
            differing.checked_shr(128 - prefix).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host of the proxy that these variables ask for.
    fn proxy(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = EnvironmentProxies::from_lookup(lookup);
        let proxy = proxies.proxy_for(&url.parse().unwrap()).unwrap();
        proxy.map(|proxy| proxy.host().to_owned())
    }

    #[test]
    fn each_scheme_has_its_variables() {
        let wss = "wss://h.example/";
        let ws = "ws://h.example/";
        for (variables, for_wss, for_ws) in [
            (&[][..], None, None),
            (&[("HTTPS_PROXY", "a")], Some("a"), None),
            (&[("https_proxy", "a")], Some("a"), None),
            (&[("https_proxy", "a"), ("HTTPS_PROXY", "b")], Some("a"), None),
            (&[("https_proxy", " "), ("HTTPS_PROXY", "b")], Some("b"), None),
            (&[("http_proxy", "a")], None, Some("a")),
            (&[("HTTP_PROXY", "a")], None, None),
            (&[("ALL_PROXY", "a")], Some("a"), Some("a")),
            (&[("all_proxy", "a"), ("https_proxy", "b")], Some("b"), Some("a")),
        ] {
            assert_eq!(proxy(variables, wss).as_deref(), for_wss, "{variables:?}");
            assert_eq!(proxy(variables, ws).as_deref(), for_ws, "{variables:?}");
        }
    }

    #[test]
    fn exceptions_go_without() {
        for (list, direct, proxied) in [
            ("*", &["h.example", "10.0.0.1", "[2001:db8::1]"][..], &[][..]),
            (
                "h.example",
                &["h.example", "H.Example.", "a.h.example"],
                &["xh.example", "h.example.org"],
            ),
            (".h.example", &["h.example", "a.h.example"], &["xh.example"]),
            ("*.h.example,", &["h.example", "a.h.example"], &["example"]),
            (
                "a.example, b.example c.example",
                &["a.example", "b.example", "c.example"],
                &["d.example"],
            ),
            ("h.example:8443", &["h.example:8443"], &["h.example", "h.example:443"]),
            ("h.example:443", &["h.example"], &["h.example:444"]),
            ("10.0.0.1", &["10.0.0.1"], &["10.0.0.10", "10.0.0.1.example"]),
            ("10.0.0.1:1", &["10.0.0.1:1"], &["10.0.0.1"]),
            ("10.1.2.3/8", &["10.0.0.1", "10.255.0.1"], &["11.0.0.1", "[a00::]", "h.example"]),
            ("10.0.0.0/33,10.0.0.1/32,0.0.0.0/x", &["10.0.0.1"], &["10.0.0.2"]),
            ("0.0.0.0/0", &["10.0.0.1"], &["[2001:db8::1]"]),
            ("2001:db8::1", &["[2001:db8::1]"], &["[2001:db8::2]"]),
            ("[2001:db8::1]:444", &["[2001:db8::1]:444"], &["[2001:db8::1]"]),
            ("2001:db8::/32", &["[2001:db8::1]"], &["[2001:db9::1]"]),
            ("::/0", &["[2001:db8::1]"], &["10.0.0.1"]),
            ("", &["localhost", "a.localhost", "127.0.0.1:80", "[::1]"], &["localhost.example"]),
        ] {
            let variables = [("https_proxy", "proxy"), ("NO_PROXY", list)];
            for host in direct {
                assert_eq!(proxy(&variables, &format!("wss://{host}/")), None, "{list}: {host}");
            }
            for host in proxied {
                let found = proxy(&variables, &format!("wss://{host}/"));
                assert_eq!(found.as_deref(), Some("proxy"), "{list}: {host}");
            }
        }
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_an_error_where_it_applies() {
        let proxies = EnvironmentProxies::from_lookup(|name| match name {
            "https_proxy" => Some("gopher://proxy".into()),
            "no_proxy" => Some("direct.example".into()),
            _ => None,
        });
        let proxy_for = |url: &str| proxies.proxy_for(&url.parse().unwrap());
        assert_eq!(proxy_for("wss://h.example"), Err(ProxyError::Scheme));
        assert_eq!(proxy_for("wss://direct.example"), Ok(None));
        assert_eq!(proxy_for("ws://h.example"), Ok(None));
    }
}
