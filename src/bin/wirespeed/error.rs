//! What can go wrong, told so that it says what to do.

use std::{io, net::SocketAddr};

use wirespeed::{
    CloseCode, WebSocketError,
    net::{self, dial::Attempt, tls::TlsError},
};

use crate::{
    digest::FeedDigest, feed::capture::CaptureFileError, print::Escaped, tls::TlsSetupError,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error("cannot listen on {addr}: {}", listen_reason(source))]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("cannot connect to {url}: {source}{}", connect_hint(source))]
    Connect { url: String, source: WebSocketError },
    #[error("the connection failed: {0}")]
    Connection(#[from] WebSocketError),
    #[error("the other side closed the connection with {code}{}", reason_text(reason))]
    ClosedWith { code: CloseCode, reason: String },
    #[error(
        "the feed arrived changed\n  sent:     {sent}\n  received: {received}\n\
         This is a defect; please report it with the command line."
    )]
    Changed { sent: FeedDigest, received: FeedDigest },
    #[error(
        "only {sent} of the capture's {total} messages were sent; this is a defect, please report it"
    )]
    Incomplete { sent: u64, total: u64 },
    #[error(transparent)]
    Capture(#[from] CaptureFileError),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsSetupError),
    #[error("cannot trust the certificates of --ca: {0}")]
    Authority(#[source] TlsError),
    #[error("cannot handle Ctrl-C: {0}")]
    Interrupt(#[from] ctrlc::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(#[source] io::Error),
    #[cfg(feature = "tokio")]
    #[error("cannot start tokio: {0}")]
    Runtime(#[source] io::Error),
    #[cfg(not(feature = "tokio"))]
    #[error("this build has no tokio; build the tool with --features cli,tokio")]
    NoTokio,
    #[error("a thread of the {0} panicked; this is a defect, please report it")]
    Panicked(&'static str),
}

fn listen_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address in use; choose another port with --listen".into(),
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have the address; choose another with --listen".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; choose a port above 1023 with --listen".into()
        }
        _ => error.to_string(),
    }
}

/// What to try, where the error leaves one to guess.
fn connect_hint(error: &WebSocketError) -> &'static str {
    match error {
        WebSocketError::Connect(error) if is_refused(error) => {
            "; check host and port: nothing listens there (wirespeed feed would)"
        }
        WebSocketError::Tls(TlsError::Handshake(rustls::Error::InvalidCertificate(_))) => {
            "; to trust a certificate of your own, give its file with --ca"
        }
        _ => "",
    }
}

fn is_refused(error: &net::Error) -> bool {
    let refused = |attempt: &Attempt| attempt.error.kind() == io::ErrorKind::ConnectionRefused;
    matches!(error, net::Error::Connect { attempts, .. }
        if !attempts.is_empty() && attempts.iter().all(refused))
}

fn reason_text(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {}", Escaped(reason)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 9001));
        let error = ToolError::Listen { addr, source: io::ErrorKind::AddrInUse.into() };
        assert_eq!(
            error.to_string(),
            "cannot listen on 127.0.0.1:9001: address in use; choose another port with --listen"
        );
    }

    #[test]
    fn a_reason_cannot_control_the_terminal() {
        let reason = "\x1b[2J".to_owned();
        let error = ToolError::ClosedWith { code: CloseCode::POLICY_VIOLATION, reason };
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
}
