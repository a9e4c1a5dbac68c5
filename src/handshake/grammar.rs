//! Pieces of HTTP's grammar (RFC 9110, section 5.6) that several headers share.

use http::{HeaderMap, HeaderValue, header::HeaderName};

/// Whether `bytes` is a token: one or more `tchar`, neither blank nor
/// separator (RFC 9110, section 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// Whether `byte` may stand in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `target` may stand in a request line: visible ASCII and no
/// fragment, which RFC 6455, section 3 rules out.
pub(super) fn is_request_target(target: &[u8]) -> bool {
    !target.is_empty() && target.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'#')
}

/// `target`'s authority, if it is an absolute URI of a scheme that an upgrade
/// can be asked with.
pub(super) fn absolute_authority(target: &str) -> Option<&str> {
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })?;
    Some(rest.split(['/', '?']).next().unwrap_or(rest))
}

/// The members of a comma-separated list, which may be spread over several
/// header lines. Empty members count for nothing (RFC 9110, section 5.6.1.2).
pub(super) fn list_members<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Whether a list header names `token`, whatever its case.
pub(super) fn lists_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    list_members(headers, name).any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
}

/// A header's value, if there is exactly one line of it.
pub(super) enum Occurrence<'a> {
    Absent,
    Once(&'a HeaderValue),
    Repeated,
}

/// How often `name` occurs in `headers`.
pub(super) fn occurrence<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Occurrence<'a> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Occurrence::Absent,
        (Some(value), None) => Occurrence::Once(value),
        (Some(_), Some(_)) => Occurrence::Repeated,
    }
}

/// `bytes` without blanks (space and tab) around it.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = bytes.iter().position(|byte| !is_blank(byte)) else {
        return &[];
    };
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_no_blank_separator_or_non_ascii_byte() {
        assert!(is_token(b"permessage-deflate"));
        assert!(is_token(b"!#$%&'*+-.^_`|~0aZ"));
        assert!(!is_token(b""));
        for byte in (0..=b' ').chain(*b"()<>@,;:\\\"/[]?={}").chain(127..=255) {
            assert!(!is_token(&[b'a', byte]), "{byte:#x}");
        }
    }

    #[test]
    fn lists_join_lines_and_drop_empty_members() {
        let mut headers = HeaderMap::new();
        headers.append("upgrade", HeaderValue::from_static(" ,a ,, \tb"));
        headers.append("upgrade", HeaderValue::from_static(""));
        headers.append("upgrade", HeaderValue::from_static("c,"));
        let members: Vec<_> = list_members(&headers, &http::header::UPGRADE).collect();
        assert_eq!(members, [b"a", b"b", b"c"]);
    }

    #[test]
    fn authorities_end_at_the_path_or_the_query() {
        assert_eq!(absolute_authority("http://a.b:1/x"), Some("a.b:1"));
        assert_eq!(absolute_authority("HTTPS://a?x/y"), Some("a"));
        assert_eq!(absolute_authority("http://a"), Some("a"));
        assert_eq!(absolute_authority("/http://a"), None);
        assert_eq!(absolute_authority("ftp://a/"), None);
        assert_eq!(absolute_authority(""), None);
    }
}
