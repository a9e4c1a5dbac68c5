//! Cross-site WebSocket hijacking: which pages may connect (RFC 6455, section
//! 10.2).

use wirespeed::handshake::{Origin, OriginPolicy, RefusalReason, ServerPolicy};

use super::{UPGRADE_LINES, refused, request_with, serve};

fn allows(policy: &ServerPolicy, host: &str, origin: &str) -> bool {
    let request =
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{UPGRADE_LINES}\r\n");
    match serve(request, policy) {
        Ok(_) => true,
        Err(refusal) => {
            assert_eq!(refusal.status(), 403);
            assert!(matches!(refusal.reason(), RefusalReason::Origin(_)));
            false
        }
    }
}

#[test]
fn by_default_a_page_must_be_of_the_same_host_and_port() {
    let policy = ServerPolicy::new();
    for (host, origin) in [
        ("example.com", "https://example.com"),
        ("example.com", "http://example.com"),
        ("EXAMPLE.com", "https://example.COM"),
        ("example.com:443", "https://example.com"),
        ("example.com", "https://example.com:443"),
        ("example.com:8080", "http://example.com:8080"),
        ("[::1]:9001", "http://[0:0::1]:9001"),
    ] {
        assert!(allows(&policy, host, origin), "{host} {origin}");
    }
    for (host, origin) in [
        ("example.com", "https://evil.com"),
        ("example.com", "https://example.com.evil.com"),
        ("example.com", "https://evilexample.com"),
        ("example.com", "https://sub.example.com"),
        ("example.com", "https://example.com:8443"),
        ("example.com:80", "https://example.com"),
        ("example.com:8080", "http://example.com"),
        ("localhost:5173", "http://localhost:3000"),
        ("example.com", "null"),
        ("example.com", ""),
        ("example.com", "example.com"),
        ("example.com", "//example.com"),
        ("example.com", "https://example.com/"),
        ("example.com", "https://user@example.com"),
        ("example.com", "https://evil.com, https://example.com"),
        ("example.com", "https://evil.com https://example.com"),
        ("example.com", "file://example.com"),
        ("example.com", "chrome-extension://example.com"),
        ("example.com", "https://\u{e9}"),
    ] {
        assert!(!allows(&policy, host, origin), "{host} {origin}");
    }
}

#[test]
fn a_known_scheme_must_be_the_pages_as_well() {
    let https = ServerPolicy::new().secure(true);
    assert!(allows(&https, "example.com", "https://example.com"));
    assert!(!allows(&https, "example.com", "http://example.com"));
    let http = ServerPolicy::new().secure(false);
    assert!(allows(&http, "example.com", "http://example.com"));
    assert!(!allows(&http, "example.com", "https://example.com"));
}

#[test]
fn a_client_that_is_no_browser_needs_no_origin() {
    for policy in [
        OriginPolicy::SameOrigin,
        OriginPolicy::exact(["https://a.com"]).unwrap(),
        OriginPolicy::predicate(|_| false),
    ] {
        assert!(serve(request_with(""), &ServerPolicy::new().origin(policy)).is_ok());
    }
}

#[test]
fn a_second_origin_is_refused() {
    let request = request_with("Origin: https://example.com\r\nOrigin: https://evil.com\r\n");
    let reason = RefusalReason::RepeatedHeader(http::header::ORIGIN);
    assert_eq!(refused(request), (400, reason));
}

#[test]
fn exact_origins_compare_scheme_host_and_port() {
    let origins = ["https://app.example.com", "http://localhost:3000"];
    let policy = ServerPolicy::new().origin(OriginPolicy::exact(origins).unwrap());
    for origin in
        ["https://app.example.com:443", "HTTPS://APP.example.com", "http://localhost:3000"]
    {
        assert!(allows(&policy, "feed.example.com", origin), "{origin}");
    }
    for origin in [
        "http://app.example.com",
        "https://app.example.com:444",
        "https://x.app.example.com",
        "https://feed.example.com",
        "http://localhost",
        "null",
    ] {
        assert!(!allows(&policy, "feed.example.com", origin), "{origin}");
    }
}

#[test]
fn subdomains_end_at_a_dot() {
    let policy = OriginPolicy::subdomains(["https://example.com"]).unwrap();
    let policy = ServerPolicy::new().origin(policy);
    for origin in ["https://example.com", "https://a.example.com", "https://a.b.example.com"] {
        assert!(allows(&policy, "x", origin), "{origin}");
    }
    for origin in [
        "https://evilexample.com",
        "https://example.com.evil.com",
        "http://a.example.com",
        "https://a.example.com:8443",
        "null",
    ] {
        assert!(!allows(&policy, "x", origin), "{origin}");
    }
}

#[test]
fn any_and_a_predicate_see_null_as_well() {
    let any = ServerPolicy::new().origin(OriginPolicy::Any);
    assert!(allows(&any, "x", "null"));
    assert!(allows(&any, "x", "https://evil.com"));
    let predicate = OriginPolicy::predicate(|origin| origin == "null");
    let predicate = ServerPolicy::new().origin(predicate);
    assert!(allows(&predicate, "x", "null"));
    assert!(!allows(&predicate, "x", "https://x"));
}

#[test]
fn what_is_no_origin_cannot_be_configured() {
    for origin in ["null", "", "example.com", "https://", "https://a/", "1https://a", "https://a b"]
    {
        assert!(origin.parse::<Origin>().is_err(), "{origin}");
        assert!(OriginPolicy::exact([origin]).is_err());
        assert!(OriginPolicy::subdomains([origin]).is_err());
    }
    let origin: Origin = "HTTPS://Example.com".parse().unwrap();
    assert_eq!(
        (origin.scheme(), origin.host(), origin.port()),
        ("https", "example.com", Some(443))
    );
}

/// DNS rebinding: the page's own name leads to the server, and so the page is of the
/// same origin.
#[test]
fn a_server_answers_to_its_own_names_only() {
    let request = |host: &str, lines: &str| {
        format!("GET / HTTP/1.1\r\nHost: {host}\r\n{UPGRADE_LINES}{lines}\r\n")
    };
    let hosts = ["LocalHost", "127.0.0.1", "::1", "[2001:DB8::1]", "feed.example:8443"];
    let policy = ServerPolicy::new().hosts(hosts);
    for host in [
        "localhost",
        "LOCALHOST:9001",
        "127.0.0.1:9001",
        "[::1]",
        "[0:0::1]:9001",
        "[2001:db8::1]",
        "feed.example",
    ] {
        assert!(serve(request(host, ""), &policy).is_ok(), "{host}");
        assert!(allows(&policy, host, &format!("http://{host}")), "{host}");
        assert!(!allows(&policy, host, "http://evil.example"), "{host}");
    }
    for host in ["evil.example", "evil.example:9001", "localhost.", "x.localhost", "127.0.0.2"] {
        for lines in [String::new(), format!("Origin: http://{host}\r\n")] {
            let refusal = serve(request(host, &lines), &policy).unwrap_err();
            assert_eq!(refusal.status(), 421, "{host}");
            assert!(matches!(refusal.reason(), RefusalReason::Host(_)), "{refusal}");
        }
        assert!(serve(request(host, ""), &ServerPolicy::new()).is_ok(), "{host}");
    }
    let none = ServerPolicy::new().hosts([""; 0]);
    assert!(serve(request("localhost", ""), &none).is_err());
}
