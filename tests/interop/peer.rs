//! The other implementations, as processes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a peer may take for a line of output. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that can be started.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    program: PathBuf,
    script: PathBuf,
    node_path: PathBuf,
}

/// A peer's server. It is ended when this is dropped.
pub(crate) struct PeerServer {
    pub(crate) port: u16,
    process: Child,
    lines: Receiver<String>,
}

impl Peer {
    /// Both peers, or `None` where they can't be had and need not be.
    pub(crate) fn all() -> Option<[Self; 2]> {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        INSTALLED.get_or_init(install).then(|| [Self::python(), Self::node()])
    }

    fn python() -> Self {
        let program = directory().join("venv/bin/python");
        Self::new("Python websockets", program, "peer.py")
    }

    fn node() -> Self {
        Self::new("Node ws", PathBuf::from("node"), "peer.js")
    }

    fn new(name: &'static str, program: PathBuf, script: &str) -> Self {
        let node_path = directory().join("node/node_modules");
        Self { name, program, script: scripts().join(script), node_path }
    }

    /// Starts the peer's server.
    pub(crate) fn serve(&self, arguments: &[&str]) -> PeerServer {
        let mut process = self
            .command("server")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.name));
        let output = process.stdout.take().expect("it was asked for");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
        });
        let mut server = PeerServer { port: 0, process, lines };
        let line = server.next_line();
        server.port = line
            .strip_prefix("listening ")
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("{} said {line:?} in place of its port", self.name));
        server
    }

    /// Lets the peer's client check a server, and panics with what it says
    /// unless all went well.
    pub(crate) fn check(&self, url: &str, arguments: &[&str]) {
        let output = self.command("client").arg(url).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.lines().count() == CHECKS,
            "{} on {url} {arguments:?}: {}\n{said}{}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stderr),
        );
    }

    fn command(&self, role: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(&self.script).arg(role).env("NODE_PATH", &self.node_path).stdin(Stdio::null());
        command
    }
}

/// How many checks a client runs, so that none is left out unnoticed.
const CHECKS: usize = 8;

impl PeerServer {
    /// The next line that the server prints.
    pub(crate) fn next_line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the peer's server prints a line")
    }
}

impl Drop for PeerServer {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the peers are there. In CI they have to be.
fn install() -> bool {
    let setup =
        Command::new(scripts().join("setup")).arg(directory()).stdin(Stdio::null()).output();
    let why = match setup {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("tests/interop/setup does not run: {error}"),
    };
    assert!(std::env::var_os("CI").is_none(), "the peers are needed in CI: {why}");
    // Not a print macro: what those write is shown of failing tests only.
    let _ = writeln!(io::stderr(), "\nSKIPPED: interoperability was not tested: {why}");
    false
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop")
}

/// Where the peers are installed: `target/interop`.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("interop")
}
