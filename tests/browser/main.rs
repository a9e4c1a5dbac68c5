//! A browser opens the page of `examples/axum_server`, over ws and over wss: it
//! exchanges text, binary data and messages of 1 MiB, with permessage-deflate as
//! the browser negotiates it, and closes cleanly. `tests/browser/run` runs it.
//!
//! The browser is driven over a WebSocket as well, and so by this library.

mod browser;
mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use browser::Browser;
use process::Process;

/// The most a page may take. It takes a second or two.
const TIME_LIMIT: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let target = target();
    let out = target.join("../browser");
    fs::create_dir_all(&out).unwrap();
    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(out.join("certificate.pem"), certificate.cert.pem()).unwrap();
    fs::write(out.join("key.pem"), certificate.signing_key.serialize_pem()).unwrap();

    let server = target.join("examples/axum_server");
    let certified = ["certificate.pem", "key.pem"].map(|file| out.join(file).display().to_string());
    for (scheme, args) in [("ws", &[][..]), ("wss", &certified[..])] {
        let mut server = Process::server(&server, args);
        let url = server.line_after("listening on ");
        let checked = tokio::time::timeout(TIME_LIMIT, check(&url, scheme, &out)).await;
        checked.unwrap_or_else(|_| panic!("{scheme}: no result after {TIME_LIMIT:?}"));
    }
}

async fn check(url: &str, scheme: &str, out: &Path) {
    let mut page = Browser::start(&out.join("profile")).await.open(url).await;
    while page.evaluate("document.getElementById('result')?.className ?? ''").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let screenshot = out.join(format!("{scheme}.png"));
    fs::write(&screenshot, page.screenshot().await).unwrap();

    let text = |id: &str| format!("document.getElementById('{id}').textContent");
    let result = page.evaluate(&text("result")).await;
    assert_eq!(result, "passed, and closed cleanly with 1000", "{scheme}");
    assert!(page.evaluate(&text("url")).await.starts_with(&format!("{scheme}://")));
    assert_eq!(page.evaluate(&text("protocol")).await, "echo.v1");
    let extensions = page.evaluate(&text("extensions")).await;
    assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
    println!("{scheme}: {result}; {extensions}; screenshot in {}", screenshot.display());
}

/// Where cargo puts what it builds for tests, this test among it.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}
