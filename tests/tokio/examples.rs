//! The examples do what they say.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use wirespeed::{WebSocketClient, WebSocketMessage, net::ProxyChoice};

/// An example that runs until this is dropped.
struct Example {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut process = Command::new(path(name))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The URL that a server says it listens on.
    fn url(&mut self) -> String {
        let line = self.line();
        line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Cargo builds examples before tests, beside them.
fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn client() -> WebSocketClient {
    WebSocketClient::new().proxy(ProxyChoice::Direct)
}

async fn echoes(url: &str) {
    let mut ws = client().websocket(url).connect_async().await.unwrap();
    for message in ["hello".into(), WebSocketMessage::from(vec![7; 1 << 20])] {
        ws.send(message.clone()).await.unwrap();
        assert_eq!(ws.receive().await.unwrap(), Some(message));
    }
    ws.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn echo_server() {
    let mut server = Example::start("tokio_echo", &["127.0.0.1:0"]);
    echoes(&server.url()).await;
}

/// The client sees the ticks of the feed server, and comes back to the next one.
#[tokio::test]
async fn feed_server_and_client() {
    let mut server = Example::start("tokio_feed", &["127.0.0.1:0"]);
    let url = server.url();
    let mut reader = Example::start("tokio_client", &[&format!("{url}/latest")]);
    assert_eq!(reader.line(), "connected");
    assert!(reader.line().starts_with(r#"{"symbol":""#));

    let mut ws = client().websocket(format!("{url}/all")).connect_async().await.unwrap();
    let number = |message: WebSocketMessage| -> u64 {
        let text = message.as_text().unwrap().to_owned();
        let (_, number) = text.rsplit_once(':').unwrap();
        number.trim_end_matches('}').parse().unwrap()
    };
    let first = number(ws.receive().await.unwrap().unwrap());
    assert_eq!(number(ws.receive().await.unwrap().unwrap()), first + 1);

    drop(server);
    while reader.line().starts_with('{') {}
    let mut server = Example::start("tokio_feed", &[url.strip_prefix("ws://").unwrap()]);
    assert_eq!(server.url(), url);
    while reader.line() != "connected" {}
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_server() {
    let mut server = Example::start("axum_server", &["127.0.0.1:0"]);
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    echoes(&format!("ws://{address}/ws")).await;

    let elsewhere = client().websocket(format!("ws://{address}/ws"));
    let refused = elsewhere.origin("https://elsewhere.example").connect_async().await;
    match refused.unwrap_err() {
        wirespeed::WebSocketError::UpgradeFailed(failure) => assert_eq!(failure.status, 403),
        other => panic!("{other}"),
    }
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn tower_service() {
    let mut server = Example::start("tower_service", &["127.0.0.1:0"]);
    let url = server.url();
    let builder = |path: &str| client().websocket(format!("{url}{path}"));
    let authorized = |path| builder(path).header("Authorization", "Bearer secret");

    let mut ws = authorized("/feed/EURUSD").connect_async().await.unwrap();
    let snapshot = ws.receive().await.unwrap().unwrap();
    assert!(snapshot.as_text().unwrap().starts_with(r#"{"symbol":"EURUSD""#));
    let close = ws.receive().await.unwrap();
    assert_eq!(close, Some(WebSocketMessage::Close(1000.into(), "end of the feed".into())));
    ws.close(1000, "").await.unwrap();

    let elsewhere = authorized("/feed/EURUSD").origin("https://elsewhere.example");
    for (refused, status) in
        [(builder("/feed/EURUSD"), 401), (authorized("/"), 404), (elsewhere, 403)]
    {
        match refused.connect_async().await.unwrap_err() {
            wirespeed::WebSocketError::UpgradeFailed(failure) => {
                assert_eq!(failure.status, status);
            }
            other => panic!("{other}"),
        }
    }
}

#[cfg(feature = "hyper")]
#[test]
fn hyper_upgrade() {
    let mut example = Example::start("hyper_upgrade", &[]);
    assert_eq!(example.line(), "GET / answered with 200 OK");
    assert_eq!(example.line(), r#"upgraded, and received Some("hello")"#);
    assert!(example.process.wait().unwrap().success());
}
