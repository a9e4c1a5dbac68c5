//! `host[:port]`, as it stands in `Host`, in absolute URIs and in origins
//! (RFC 3986, section 3.2).

use std::net::Ipv6Addr;

/// A host and, where one is written, a port, in a form that compares: names in
/// lower case, IPv6 addresses in their canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    /// Parses `host[:port]`. There is no room for user information, nor for
    /// a comma, which is legal in a name and only ever seen in attacks.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, rest) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (literal, rest) = bracketed.split_once(']')?;
                let address: Ipv6Addr = literal.parse().ok()?;
                (format!("[{address}]"), rest)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (name, rest) = text.split_at(end);
                let is_name = !name.is_empty() && name.bytes().all(is_name_byte);
                (is_name.then(|| name.to_ascii_lowercase())?, rest)
            }
        };
        Some(Self { host, port: parse_port(rest)? })
    }

    /// Whether both name the same place for a scheme whose default port is
    /// `default_port`.
    pub(super) fn is_same(&self, other: &Self, default_port: Option<u16>) -> bool {
        self.host == other.host && self.port.or(default_port) == other.port.or(default_port)
    }
}

/// The port that follows a host: nothing, `:` or `:` and a number.
fn parse_port(rest: &str) -> Option<Option<u16>> {
    let Some(digits) = rest.strip_prefix(':') else {
        return rest.is_empty().then_some(None);
    };
    match digits {
        "" => Some(None),
        _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let parse = |text| Authority::parse(text).map(|a| (a.host, a.port));
        assert_eq!(parse("Example.COM"), Some(("example.com".into(), None)));
        assert_eq!(parse("a_b:8080"), Some(("a_b".into(), Some(8080))));
        assert_eq!(parse("a:"), Some(("a".into(), None)));
        assert_eq!(parse("[0:0::1]:9"), Some(("[::1]".into(), Some(9))));
        assert_eq!(parse("127.0.0.1"), Some(("127.0.0.1".into(), None)));
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "a:b",
            "a:+1",
            "a:65536",
            "a:1:2",
            "u@a",
            "a/b",
            "a,b",
            "a\r\nX: y",
            "a\0",
            "[::1",
            "[::1]x",
            "[a]",
            "::1",
            "é",
        ] {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_default_port_may_be_left_out() {
        let same =
            |a, b, port| Authority::parse(a).unwrap().is_same(&Authority::parse(b).unwrap(), port);
        assert!(same("a", "A:443", Some(443)));
        assert!(!same("a", "a:443", Some(80)));
        assert!(!same("a", "a:443", None));
        assert!(!same("a", "b", Some(80)));
    }
}
