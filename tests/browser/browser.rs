//! A headless Chromium, by as much of its DevTools protocol as is needed here.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use wirespeed::{WebSocketClient, net::ProxyChoice, tokio::WebSocketStream};

use crate::process::Process;

/// Without a screen, and without a word to anyone but the page's server. The
/// certificate is nobody's, and was made a moment ago.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--window-size=900,700",
    "--remote-debugging-port=0",
];

pub(crate) struct Browser {
    /// Ends with this.
    _process: Process,
    connection: WebSocketStream,
    session: Option<String>,
    last_id: u32,
}

impl Browser {
    pub(crate) async fn start(profile: &Path) -> Self {
        let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        let mut command = Command::new(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display()));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process::start(command);
        let url = process.line_after("DevTools listening on ");
        let client = WebSocketClient::new().proxy(ProxyChoice::Direct);
        let connection = client.websocket(url).connect_async().await.unwrap();
        Self { _process: process, connection, session: None, last_id: 0 }
    }

    /// Opens a page, which the other methods are about then.
    pub(crate) async fn open(mut self, url: &str) -> Self {
        let created = self.call("Target.createTarget", &format!(r#""url":"{url}""#)).await;
        let target = format!(r#""targetId":"{}","flatten":true"#, field(&created, "targetId"));
        let attached = self.call("Target.attachToTarget", &target).await;
        self.session = Some(field(&attached, "sessionId").to_owned());
        self
    }

    /// What a JavaScript expression comes to, if that is a string without escapes.
    pub(crate) async fn evaluate(&mut self, expression: &str) -> String {
        let params = format!(r#""expression":"{expression}","returnByValue":true"#);
        let result = self.call("Runtime.evaluate", &params).await;
        // While the page loads there may be nothing to evaluate.
        if result.contains(r#""type":"string""#) {
            field(&result, "value").to_owned()
        } else {
            String::new()
        }
    }

    /// The page as a PNG file.
    pub(crate) async fn screenshot(&mut self) -> Vec<u8> {
        let result = self.call("Page.captureScreenshot", r#""format":"png""#).await;
        BASE64_STANDARD.decode(field(&result, "data")).unwrap()
    }

    async fn call(&mut self, method: &str, params: &str) -> String {
        self.last_id += 1;
        let head = format!(r#"{{"id":{},"#, self.last_id);
        let session =
            self.session.as_ref().map(|id| format!(r#""sessionId":"{id}","#)).unwrap_or_default();
        let call = format!(r#"{head}{session}"method":"{method}","params":{{{params}}}}}"#);
        self.connection.send(call).await.unwrap();
        loop {
            // Events come in between.
            let message = self.connection.receive_ref().await.unwrap().expect("the browser ended");
            match message.as_text() {
                Some(text) if text.starts_with(&head) => return text.to_owned(),
                _ => {}
            }
        }
    }
}

/// A string in a message, by its name: enough for messages that hold it once.
fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!(r#""{name}":""#);
    let (_, rest) = message.split_once(&start).unwrap_or_else(|| panic!("no {name} in {message}"));
    rest.split('"').next().unwrap_or_default()
}
