//! Requirements deflate 1 to 5 and 11, and the attacks on negotiation.

use super::*;

type List = Vec<(&'static str, Option<&'static str>)>;

const SNCT: (&str, Option<&str>) = ("server_no_context_takeover", None);
const CNCT: (&str, Option<&str>) = ("client_no_context_takeover", None);

fn smwb(value: &'static str) -> (&'static str, Option<&'static str>) {
    ("server_max_window_bits", Some(value))
}

fn cmwb(value: impl Into<Option<&'static str>>) -> (&'static str, Option<&'static str>) {
    ("client_max_window_bits", value.into())
}

fn params(snct: bool, cnct: bool, smwb: u8, cmwb: u8) -> DeflateParams {
    DeflateParams {
        server_no_context_takeover: snct,
        client_no_context_takeover: cnct,
        server_max_window_bits: smwb,
        client_max_window_bits: cmwb,
    }
}

/// Takeover both ways, on either side.
fn plain_options() -> DeflateOptions {
    DeflateOptions::for_client()
}

fn header(options: &DeflateOptions) -> String {
    offers(options).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn client(options: &DeflateOptions, response: &List) -> Result<DeflateParams, NegotiationError> {
    accept_response(response.iter().copied(), &offers(options))
}

fn server(options: &DeflateOptions, offer: &List) -> Option<(DeflateParams, String)> {
    choose([offer.iter().copied()], options)
}

/// Lists that are wrong by themselves, whoever sends them.
fn malformed() -> Vec<List> {
    let mut lists = vec![
        vec![("", None)],
        vec![("x", None)],
        vec![("constructor", None)],
        vec![("Server_No_Context_Takeover", None)],
        vec![("server_max_window_bits ", Some("10"))],
        vec![SNCT, ("mystery", Some("1"))],
        vec![SNCT, SNCT],
        vec![CNCT, CNCT],
        vec![smwb("10"), smwb("10")],
        vec![cmwb("10"), cmwb("11")],
        vec![("server_no_context_takeover", Some(""))],
        vec![("server_no_context_takeover", Some("true"))],
        vec![("client_no_context_takeover", Some("0"))],
        vec![("server_max_window_bits", None)],
    ];
    let wrong_bits = [
        "",
        " ",
        "08",
        "09",
        "010",
        "015",
        "+8",
        "-8",
        "8 ",
        " 8",
        "8.0",
        "0x8",
        "１０",
        "1e1",
        "\"10\"",
        "256",
        "264",
        "4294967304",
        "18446744073709551624",
        "ten",
    ];
    for value in wrong_bits {
        lists.push(vec![smwb(value)]);
        lists.push(vec![cmwb(value)]);
    }
    lists
}

#[test]
fn r4_4_1_offers_stand_in_order_of_preference() {
    assert_eq!(header(&plain_options()), "permessage-deflate");
    let wanted = plain_options()
        .server_no_context_takeover(true)
        .client_no_context_takeover(true)
        .server_max_window_bits(10)
        .client_max_window_bits(15);
    let first = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits";
    assert_eq!(header(&wanted), first);
    let second = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    assert_eq!(header(&wanted.fallback_offer(true)), format!("{first}, {second}"));
    assert_eq!(header(&plain_options().fallback_offer(true)), "permessage-deflate");
}

#[test]
fn r4_4_1_the_server_takes_the_first_offer_that_it_can() {
    let offers: [List; 4] = [vec![smwb("8")], vec![("x", None)], vec![SNCT], vec![smwb("10")]];
    let (chosen, response) = choose(offers, &plain_options()).unwrap();
    assert_eq!(chosen, params(true, false, 15, 15));
    assert_eq!(response, "permessage-deflate; server_no_context_takeover");
    assert_eq!(choose(Vec::<List>::new(), &plain_options()), None);
}

#[test]
fn r4_4_1_a_response_may_fit_a_later_offer() {
    let options = plain_options().server_max_window_bits(10).fallback_offer(true);
    assert_eq!(client(&options, &vec![smwb("9")]), Ok(params(false, false, 9, 15)));
    assert_eq!(client(&options, &vec![]), Ok(params(false, false, 15, 15)));
    assert_eq!(
        client(&options.fallback_offer(false), &vec![]),
        Err(NegotiationError::NotGranted { parameter: SERVER_MAX_WINDOW_BITS })
    );
    assert!(accept_response(List::new(), &[]).is_err(), "nothing was offered");
}

#[test]
fn r4_4_2_malformed_lists_are_declined_or_fail() {
    let wants_everything = plain_options().client_max_window_bits(15);
    for list in malformed() {
        assert_eq!(server(&plain_options(), &list), None, "{list:?}");
        assert!(client(&wants_everything, &list).is_err(), "{list:?}");
    }
}

#[test]
fn r4_4_2_errors_say_what_is_wrong() {
    use NegotiationError as E;
    let parameter = SERVER_MAX_WINDOW_BITS;
    let cases: [(List, NegotiationError); 6] = [
        (vec![("x\n", None)], E::UnknownParameter { name: "x\n".into() }),
        (vec![SNCT, SNCT], E::DuplicateParameter { parameter: SERVER_NO_CONTEXT_TAKEOVER }),
        (
            vec![("client_no_context_takeover", Some("1"))],
            E::UnexpectedValue { parameter: CLIENT_NO_CONTEXT_TAKEOVER },
        ),
        (vec![("server_max_window_bits", None)], E::MissingValue { parameter }),
        (vec![cmwb(None)], E::MissingValue { parameter: CLIENT_MAX_WINDOW_BITS }),
        (vec![smwb("08")], E::InvalidWindowBits { parameter, value: "08".into() }),
    ];
    for (list, error) in cases {
        assert_eq!(client(&plain_options(), &list), Err(error));
    }
    let text = E::UnknownParameter { name: "x\n".into() }.to_string();
    assert!(!text.contains('\n'), "a peer's text is escaped: {text}");
}

#[test]
fn r4_4_3_server_no_context_takeover() {
    let asks = plain_options().server_no_context_takeover(true);
    // In the offer: the server must say so in the response.
    let (agreed, response) = server(&plain_options(), &vec![SNCT]).unwrap();
    assert!(agreed.server_no_context_takeover);
    assert_eq!(response, "permessage-deflate; server_no_context_takeover");
    assert_eq!(
        client(&asks, &vec![]),
        Err(NegotiationError::NotGranted { parameter: SERVER_NO_CONTEXT_TAKEOVER })
    );
    // Unasked, from the server's own wish.
    let (agreed, response) = server(&asks, &vec![]).unwrap();
    assert!(agreed.server_no_context_takeover);
    assert_eq!(response, "permessage-deflate; server_no_context_takeover");
    assert_eq!(client(&plain_options(), &vec![SNCT]), Ok(params(true, false, 15, 15)));
}

#[test]
fn r4_4_3_client_no_context_takeover() {
    let wants = plain_options().client_no_context_takeover(true);
    // Unasked: the client must obey.
    assert_eq!(client(&plain_options(), &vec![CNCT]), Ok(params(false, true, 15, 15)));
    let (agreed, response) = server(&wants, &vec![]).unwrap();
    assert!(agreed.client_no_context_takeover);
    assert_eq!(response, "permessage-deflate; client_no_context_takeover");
    // Announced by the client: it keeps to it though the server is silent.
    assert_eq!(client(&wants, &vec![]), Ok(params(false, true, 15, 15)));
    assert!(server(&plain_options(), &vec![CNCT]).unwrap().0.client_no_context_takeover);
}

#[test]
fn r4_4_4_server_max_window_bits() {
    // The server answers with the same or less.
    for (own, offered, answered) in
        [(None, "15", 15), (None, "9", 9), (Some(12), "10", 10), (Some(10), "12", 10)]
    {
        let (agreed, response) =
            server(&plain_options().server_max_window_bits(own), &vec![smwb(offered)]).unwrap();
        assert_eq!(agreed, params(false, false, answered, 15));
        assert_eq!(response, format!("permessage-deflate; server_max_window_bits={answered}"));
    }
    // Unasked, which a client accepts.
    let (agreed, response) = server(&plain_options().server_max_window_bits(11), &vec![]).unwrap();
    assert_eq!(agreed, params(false, false, 11, 15));
    assert_eq!(response, "permessage-deflate; server_max_window_bits=11");
    assert_eq!(client(&plain_options(), &vec![smwb("11")]), Ok(params(false, false, 11, 15)));
    // More than the client asked for.
    let asks = plain_options().server_max_window_bits(10);
    assert_eq!(client(&asks, &vec![smwb("8")]), Ok(params(false, false, 8, 15)));
    assert_eq!(
        client(&asks, &vec![smwb("11")]),
        Err(NegotiationError::LargerThanOffered {
            parameter: SERVER_MAX_WINDOW_BITS,
            offered: 10,
            answered: 11
        })
    );
}

#[test]
fn r4_4_5_client_max_window_bits() {
    let limits = plain_options().client_max_window_bits(11);
    // The server sets it only where it was offered, and never above the offer.
    for (offer, answered) in [
        (vec![], None),
        (vec![cmwb(None)], Some(11)),
        (vec![cmwb("15")], Some(11)),
        (vec![cmwb("10")], Some(10)),
        (vec![cmwb("8")], Some(8)),
    ] {
        let (agreed, response) = server(&limits, &offer).unwrap();
        assert_eq!(agreed.client_max_window_bits, answered.unwrap_or(15), "{offer:?}");
        let text = answered.map(|bits| format!("; client_max_window_bits={bits}"));
        assert_eq!(response, format!("permessage-deflate{}", text.unwrap_or_default()));
    }
    let (agreed, response) = server(&plain_options(), &vec![cmwb("10")]).unwrap();
    assert_eq!((agreed, response.as_str()), (params(false, false, 15, 15), "permessage-deflate"));

    // The client obeys, and fails on what it has not offered.
    let parameter = CLIENT_MAX_WINDOW_BITS;
    assert_eq!(
        client(&plain_options(), &vec![cmwb("10")]),
        Err(NegotiationError::NotOffered { parameter })
    );
    let any = plain_options().client_max_window_bits(15);
    assert_eq!(client(&any, &vec![cmwb("9")]), Ok(params(false, false, 15, 9)));
    assert_eq!(client(&any, &vec![]), Ok(params(false, false, 15, 15)));
    assert_eq!(client(&limits, &vec![]), Ok(params(false, false, 15, 11)), "as it announced");
    assert_eq!(
        client(&limits, &vec![cmwb("12")]),
        Err(NegotiationError::LargerThanOffered { parameter, offered: 11, answered: 12 })
    );
}

#[test]
fn r4_4_11_our_compressor_is_never_asked_for_a_window_of_256_bytes() {
    assert_eq!(server(&plain_options(), &vec![smwb("8")]), None);
    assert_eq!(
        client(&plain_options().client_max_window_bits(15), &vec![cmwb("8")]),
        Err(NegotiationError::UnsupportedWindowBits { parameter: CLIENT_MAX_WINDOW_BITS })
    );
    // The peer's compressor may have one.
    assert_eq!(client(&plain_options(), &vec![smwb("8")]), Ok(params(false, false, 8, 15)));
    assert!(server(&plain_options(), &vec![cmwb("8")]).is_some());
}

/// CVE-2026-2229: every number from 0 to 99, in either parameter and role.
#[test]
fn attack_window_bits_out_of_range() {
    let any = plain_options().client_max_window_bits(15);
    for bits in 0..=99u8 {
        let value: &'static str = Box::leak(bits.to_string().into_boxed_str());
        let usable = (9..=15).contains(&bits);
        let known = (8..=15).contains(&bits);
        assert_eq!(client(&any, &vec![smwb(value)]).is_ok(), known, "{bits}");
        assert_eq!(client(&any, &vec![cmwb(value)]).is_ok(), usable, "{bits}");
        assert_eq!(server(&any, &vec![smwb(value)]).is_some(), usable, "{bits}");
        assert_eq!(server(&any, &vec![cmwb(value)]).is_some(), known, "{bits}");
    }
}

/// Whatever a server of ours answers, a client of ours understands alike.
#[test]
fn both_sides_agree() {
    let bits = [None, Some(9), Some(12), Some(15)];
    let mut every = Vec::new();
    for (snct, cnct) in [(false, false), (true, false), (false, true), (true, true)] {
        for smwb in bits {
            for cmwb in bits {
                every.push(
                    plain_options()
                        .server_no_context_takeover(snct)
                        .client_no_context_takeover(cnct)
                        .server_max_window_bits(smwb)
                        .client_max_window_bits(cmwb),
                );
            }
        }
    }
    for client_options in &every {
        let offered = offers(client_options);
        for server_options in &every {
            let header = offered[0].to_string();
            let (theirs, response) = choose([split(&header)], server_options).unwrap();
            let ours = accept_response(split(&response), &offered).unwrap();
            assert!(ours.client_max_window_bits <= theirs.client_max_window_bits);
            assert_eq!(
                DeflateParams { client_max_window_bits: 15, ..ours },
                DeflateParams { client_max_window_bits: 15, ..theirs },
                "{header} -> {response}"
            );
        }
    }
}

fn split(header: &str) -> Vec<(&str, Option<&str>)> {
    header
        .split("; ")
        .skip(1)
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        })
        .collect()
}
