//! The tool as its user sees it: what it prints, and how it exits.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

const TOOL: &str = env!("CARGO_BIN_EXE_wirespeed");

fn tool(args: &[&str]) -> Command {
    let mut command = Command::new(TOOL);
    command.args(args).env("LANG", "C.UTF-8").env_remove("LC_ALL").env_remove("LC_CTYPE");
    command
}

fn run(args: &[&str]) -> Output {
    tool(args).output().unwrap()
}

/// Standard output and standard error of a run that must exit with `code`.
#[track_caller]
fn expect(code: i32, output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(!out.contains('\x1b') && !err.contains('\x1b'), "escape sequences in a pipe");
    (out, err)
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Payloads that a feed of small ASCII messages would not try.
fn payloads() -> Vec<String> {
    let mut payloads = vec!["x".repeat(708_929), String::new(), "币安\t人生 €".to_owned()];
    payloads.extend((0..3_000).map(|index| format!("{{\"update\":{index}}}")));
    payloads.extend([125, 126, 65_535, 65_536].map(|size| "y".repeat(size)));
    payloads
}

fn write_capture(name: &str) -> PathBuf {
    let mut capture = String::new();
    for (index, payload) in payloads().iter().enumerate() {
        capture.push_str(&format!("{}\t{payload}\n", index * 20));
    }
    let path = file(name);
    fs::write(&path, capture).unwrap();
    path
}

/// What a summary says that messages were compressed to, in percent.
fn compressed_share(summary: &str) -> Option<f64> {
    let row = summary.lines().find(|line| line.contains("compressed to"))?;
    let (number, _) = row.split_once(" %")?;
    Some(number.rsplit(' ').next()?.parse().unwrap())
}

/// A server that was started on a free port.
struct Server {
    child: Child,
    url: String,
    stderr: BufReader<ChildStderr>,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = tool(args);
        command.args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let url = line.split([' ', ';']).find(|word| word.starts_with("ws")).unwrap();
        Self { url: url.to_owned(), child, stderr }
    }

    /// Waits for the end; exit code and standard output.
    fn finish(mut self) -> (Option<i32>, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.stderr.read_to_string(&mut err).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out)
    }

    #[cfg(unix)]
    fn interrupt(&self) {
        interrupt(&self.child);
    }
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

impl Drop for Server {
    fn drop(&mut self) {
        // Over already, unless a test failed before its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_demo_replays_a_capture_byte_for_byte_over_ws_and_wss() {
    let capture = write_capture("demo.tsv");
    for tls in [&[][..], &["--tls"]] {
        let args = [&["demo", "--replay", capture.to_str().unwrap()], tls].concat();
        let (out, err) = expect(0, &run(&args));
        assert!(out.contains("3,007") && out.contains("latency p99.9"), "{out}");
        assert!(err.contains(if tls.is_empty() { "ws://" } else { "wss://" }), "{err}");
        assert!(err.contains("every message arrived"), "{err}");
    }
}

#[test]
fn the_demo_replays_a_capture_compressed_over_ws_and_wss() {
    let capture = write_capture("demo-deflate.tsv");
    for tls in [&[][..], &["--tls"]] {
        let args = [&["demo", "--deflate", "--replay", capture.to_str().unwrap()], tls].concat();
        let (out, err) = expect(0, &run(&args));
        assert!(out.contains("3,007"), "{out}");
        let share = compressed_share(&out).unwrap();
        assert!((0.1..50.0).contains(&share), "{share} %: the capture repeats itself");
        assert!(err.contains(if tls.is_empty() { "ws://" } else { "wss://" }), "{err}");
        assert!(err.contains("every message arrived"), "{err}");
    }
}

#[test]
fn the_demo_paces_a_replay_if_it_is_told_to() {
    let capture = write_capture("paced.tsv");
    let args = ["demo", "--replay", capture.to_str().unwrap(), "--speed", "4"];
    let (out, _) = expect(0, &run(&args));
    assert!(out.contains("paced") && out.contains("3,007"), "{out}");
}

#[test]
fn the_demo_shows_a_synthetic_feed_at_both_paces() {
    for profile in ["mixed", "snapshot"] {
        let (out, err) = expect(0, &run(&["demo", "--duration", "400ms", "--profile", profile]));
        for shown in ["market pace", "flat out", "checksum", "█", "← p50"] {
            assert!(out.contains(shown), "{shown} is not in {out}");
        }
        assert!(err.contains("every message arrived"), "{err}");
    }
}

#[test]
fn tail_prints_what_feed_replays() {
    let capture = write_capture("feed.tsv");
    let server = Server::start(&["feed", "--flat-out", "--replay", capture.to_str().unwrap()]);
    let (out, err) = expect(0, &run(&["tail", &server.url]));
    // Control characters are escaped, and the capture has one tab.
    let printed: Vec<&str> = out.split('\n').collect();
    let mut expected: Vec<String> =
        payloads().iter().map(|payload| payload.replace('\t', "\\t")).collect();
    expected.push(String::new());
    assert!(printed == expected, "{} lines", printed.len());
    assert!(err.contains("closed by the server: 1000"), "{err}");

    let (code, summary) = server.finish();
    assert_eq!(code, Some(0));
    assert!(summary.starts_with("published 3007 messages, "), "{summary}");
}

#[test]
fn feed_and_tail_agree_on_the_checksum() {
    let server = Server::start(&["feed", "--flat-out", "--messages", "25000", "--seed", "7"]);
    let (received, _) = expect(0, &run(&["tail", "--stats", &server.url]));
    let (code, published) = server.finish();
    assert_eq!(code, Some(0));
    let checksum = published.split("checksum ").nth(1).unwrap();
    assert!(received.contains("25,000") && received.contains(&checksum[..16]), "{received}");
}

#[test]
fn a_feed_is_compressed_for_subscribers_that_offer_it() {
    let feed = ["feed", "--deflate", "--flat-out", "--messages", "5000", "--subscribers", "2"];
    let server = Server::start(&feed);
    let mut plain = tool(&["tail", "--stats", &server.url]);
    let plain = plain.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (compressed, err) = expect(0, &run(&["tail", "--stats", "--deflate", &server.url]));
    let (plain, _) = expect(0, &plain.wait_with_output().unwrap());
    let (code, published) = server.finish();
    assert_eq!(code, Some(0));

    let checksum = &published.split("checksum ").nth(1).unwrap()[..16];
    assert!(compressed.contains(checksum) && plain.contains(checksum), "{compressed}{plain}");
    let share = compressed_share(&compressed).unwrap();
    assert!((1.0..60.0).contains(&share), "{share} %");
    assert_eq!(compressed_share(&plain), None);
    assert!(!err.contains("declined"), "{err}");
}

#[test]
fn tail_says_that_its_offer_was_declined() {
    let server = Server::start(&["feed", "--profile", "tiny"]);
    let args = ["tail", "--stats", "--deflate", "--count", "3", &server.url];
    let (out, err) = expect(0, &run(&args));
    assert!(err.contains("declined permessage-deflate"), "{err}");
    assert_eq!(compressed_share(&out), None);
}

#[test]
fn a_feed_with_next_to_nothing_to_say_lasts_as_long_as_it_is_told_to() {
    let server = Server::start(&["feed", "--rate", "0.001", "--duration", "300ms"]);
    let begun = Instant::now();
    let (out, _) = expect(0, &run(&["tail", &server.url]));
    assert_eq!(out, "");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.finish().0, Some(0));
}

#[test]
fn a_subscriber_that_does_not_read_is_dropped() {
    let feed = ["feed", "--profile", "depth", "--rate", "1000000", "--queue", "100000"];
    let mut server = Server::start(&feed);
    let address = server.url.trim_start_matches("ws://").trim_end_matches('/');
    let mut sleeper = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    sleeper.write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    server.stderr.read_line(&mut line).unwrap();
    let name = sleeper.local_addr().unwrap().to_string();
    assert!(line.contains(&name) && line.contains("dropped: more than 100 KB behind"), "{line}");
}

#[test]
fn tail_speaks_to_echo_until_it_has_enough() {
    let server = Server::start(&["echo", "--subprotocol", "chat"]);
    let args = ["tail", &server.url, "--subprotocol", "chat", "--header", "X-Key: secret"];
    let talk = ["--send", "hello ❤", "--send", "\x1b[31mred", "--count", "2"];
    let (out, err) = expect(0, &run(&[&args[..], &talk].concat()));
    assert_eq!(out, "hello ❤\n\\u{1b}[31mred\n");
    assert!(err.contains("subprotocol chat"), "{err}");

    #[cfg(unix)]
    {
        server.interrupt();
        assert_eq!(server.finish().0, Some(0));
    }
}

#[cfg(feature = "tokio")]
#[test]
fn echo_runs_on_tokio_as_well() {
    let cert = file("tokio-echo.pem");
    let tls = ["--tls", "--save-cert", cert.to_str().unwrap()];
    for (scheme, tls, ca) in [("ws://", &[][..], &[][..]), ("wss://", &tls, &["--ca", tls[2]])] {
        let echo = ["echo", "--runtime", "tokio", "--deflate", "--max-message", "1000"];
        let server = Server::start(&[&echo, tls].concat());
        assert!(server.url.starts_with(scheme), "{}", server.url);
        let tail = [&["tail", &server.url, "--deflate", "--count", "2"], ca].concat();
        let said = ["--send", "hello ❤", "--send", &"again, ".repeat(100)];
        let (out, _) = expect(0, &run(&[&tail[..], &said].concat()));
        assert_eq!(out, format!("hello ❤\n{}\n", said[3]));
        let (_, err) = expect(1, &run(&[&tail[..], &["--send", &"x".repeat(1001)]].concat()));
        assert!(err.contains("1009"), "{err}");

        #[cfg(unix)]
        {
            let open = [&["tail", &server.url, "--send", "still there"], ca].concat();
            let mut open =
                tool(&open).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut echoed = String::new();
            BufReader::new(open.stdout.take().unwrap()).read_line(&mut echoed).unwrap();
            server.interrupt();
            assert_eq!(server.finish().0, Some(0));
            let (_, err) = expect(0, &open.wait_with_output().unwrap());
            assert!(err.contains("1001"), "{err}");
        }
    }
}

#[cfg(not(feature = "tokio"))]
#[test]
fn a_tool_without_tokio_says_how_to_have_it() {
    let (_, err) = expect(1, &run(&["echo", "--runtime", "tokio", "--listen", "127.0.0.1:0"]));
    assert!(err.contains("--features cli,tokio"), "{err}");
}

#[test]
fn echo_sends_compressed_messages_back_compressed() {
    let server = Server::start(&["echo", "--deflate"]);
    let text = "the same again, ".repeat(40);
    let args = ["tail", &server.url, "--send", "", "--send", &text, "--count", "2"];
    let (out, _) = expect(0, &run(&[&args[..], &["--deflate"]].concat()));
    assert_eq!(out, format!("\n{text}\n"));
    let (out, _) = expect(0, &run(&[&args[..], &["--deflate", "--stats"]].concat()));
    let share = compressed_share(&out).unwrap();
    assert!(share < 10.0, "{share} %");
}

#[test]
fn echo_refuses_messages_above_its_limit() {
    let server = Server::start(&["echo", "--max-message", "10"]);
    let args = ["tail", &server.url, "--send", "elevenbytes", "--count", "1"];
    let (_, err) = expect(1, &run(&args));
    assert!(err.contains("1009"), "{err}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_feed_and_subscriber_cleanly() {
    let server = Server::start(&["feed", "--profile", "tiny"]);
    let mut tail = tool(&["tail", &server.url]);
    let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(tail.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    server.interrupt();
    while lines.read_line(&mut first).unwrap() > 0 {}
    let (_, err) = expect(0, &tail.wait_with_output().unwrap());
    assert!(err.contains("closed by the server: 1001"), "{err}");
    let (code, summary) = server.finish();
    assert_eq!(code, Some(0));
    assert!(summary.starts_with("published "), "{summary}");
}

#[test]
fn a_certificate_made_at_the_start_is_trusted_by_its_file_only() {
    let pem = file("made.pem");
    let path = pem.to_str().unwrap();
    let server = Server::start(&["feed", "--tls", "--save-cert", path, "--profile", "tiny"]);
    let (_, err) = expect(1, &run(&["tail", &server.url, "--count", "1"]));
    assert!(err.contains("--ca"), "{err}");
    let (out, _) = expect(0, &run(&["tail", &server.url, "--count", "3", "--ca", path]));
    assert_eq!(out.lines().count(), 3);

    #[cfg(unix)]
    {
        server.interrupt();
        assert_eq!(server.finish().0, Some(0));
    }
}

#[test]
fn errors_say_what_to_do_and_exit_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let broken = file("broken.tsv");
    fs::write(&broken, "0\ta\nsoon\tb\n").unwrap();
    for (args, message) in [
        (vec!["echo", "--listen", &address], "address in use; choose another port with --listen"),
        (vec!["tail", "https://example.com/"], "ws:// or wss://"),
        (vec!["demo", "--replay", broken.to_str().unwrap()], "line 2: the time \"soon\""),
        (vec!["feed", "--replay", "/no/such/file"], "cannot replay /no/such/file"),
        (
            vec!["echo", "--listen", "127.0.0.1:0", "--cert", "/no/cert", "--key", "/no/key"],
            "/no/cert",
        ),
    ] {
        let (out, err) = expect(1, &run(&args));
        assert!(err.contains(message) && out.is_empty(), "{args:?}: {err}");
    }
    drop(taken);
    let (_, err) = expect(1, &run(&["tail", &format!("ws://{address}/")]));
    assert!(err.contains("nothing listens there"), "{err}");
    assert!(err.contains("/: cannot connect to 127.0.0.1: 127.0.0.1:"), "said once: {err}");
}

/// As with `tail ... | head`: that nobody reads on is no failure.
#[test]
fn a_reader_that_has_seen_enough_ends_a_command_quietly() {
    let feed = ["feed", "--flat-out", "--profile", "tiny", "--messages", "20", "--subscribers"];
    for options in [&["--stats"][..], &[]] {
        let server = Server::start(&[&feed[..], &["1"]].concat());
        expect_quiet_end(&[&["tail", &server.url], options].concat());
    }
    expect_quiet_end(&["demo", "--duration", "50ms"]);
    expect_quiet_end(&["bench", "--time", "1ms"]);

    let mut server = unread(&["feed", "--listen", "127.0.0.1:0", "--messages", "1"]);
    let mut stderr = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let url = line.split([' ', ';']).find(|word| word.starts_with("ws")).unwrap();
    expect(0, &run(&["tail", url]));
    line.clear();
    stderr.read_to_string(&mut line).unwrap();
    assert_eq!((line.as_str(), server.wait().unwrap().code()), ("", Some(0)));
}

/// Starts a command whose standard output nobody reads.
fn unread(args: &[&str]) -> Child {
    let mut child = tool(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child
}

#[track_caller]
fn expect_quiet_end(args: &[&str]) {
    let (_, err) = expect(0, &unread(args).wait_with_output().unwrap());
    assert!(!err.contains("wirespeed: "), "{args:?}: {err}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_that_cannot_be_shown_is_still_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut tail = tool(&["tail", "https://example.com/"]);
    assert_eq!(tail.stderr(full).status().unwrap().code(), Some(1));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_tail_while_it_connects() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", mute.local_addr().unwrap());
    let tail = tool(&["tail", &url]).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = mute.accept().unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    interrupt(&tail);
    let (_, err) = expect(130, &tail.wait_with_output().unwrap());
    assert_eq!(err, "");
}

/// A connection that is meant to go through a proxy is not made without.
#[cfg(unix)]
#[test]
fn a_proxy_that_is_not_utf_8_is_no_missing_one() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let proxy = OsStr::from_bytes(b"http://pr\xffxy:8080/");
    let mut tail = tool(&["tail", "ws://192.0.2.1/"]);
    let (_, err) = expect(1, &tail.env("http_proxy", proxy).output().unwrap());
    assert!(err.contains("proxy"), "{err}");
}

#[test]
fn wrong_usage_exits_with_2() {
    expect(2, &run(&["tail"]));
    expect(2, &run(&["demo", "--duration", "5 minutes"]));
    for address in ["9001", "localhost:9001"] {
        let (_, err) = expect(2, &run(&["echo", "--listen", address]));
        assert!(err.contains("such as 127.0.0.1:9001"), "{err}");
    }
    let (help, _) = expect(0, &run(&["--help"]));
    assert!(help.contains("Exit codes:"), "{help}");
}

#[test]
fn bench_measures_frames_and_round_trips() {
    let (out, _) = expect(0, &run(&["bench", "--time", "5ms"]));
    for shown in ["memcpy", "server receives", "16.4 KB", "round trips of 200 B"] {
        assert!(out.contains(shown), "{shown} is not in {out}");
    }
}
