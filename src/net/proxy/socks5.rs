//! SOCKS version 5 (RFC 1928), with user name and password (RFC 1929).

use std::net::IpAddr;

use super::{Credentials, ProxyError};
use crate::net::WebSocketUrl;

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const SUCCEEDED: u8 = 0;

const METHOD_NONE: u8 = 0;
const METHOD_LOGIN: u8 = 2;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// The state of the talk: what was sent last, and the answer so far.
pub(super) struct Socks5 {
    request: Vec<u8>,
    login: Option<Vec<u8>>,
    stage: Stage,
    answer: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Stage {
    Method,
    Login,
    Reply,
    Open,
}

impl Socks5 {
    /// The greeting, and the state that awaits its answer.
    pub(super) fn start(
        target: &WebSocketUrl,
        credentials: Option<&Credentials>,
    ) -> Result<(Vec<u8>, Self), ProxyError> {
        let login = credentials.map(encode_login).transpose()?;
        let greeting = match login {
            Some(_) => vec![VERSION, 2, METHOD_NONE, METHOD_LOGIN],
            None => vec![VERSION, 1, METHOD_NONE],
        };
        let request = encode_request(target);
        Ok((greeting, Self { request, login, stage: Stage::Method, answer: Vec::new() }))
    }

    pub(super) fn wanted(&self) -> usize {
        self.answer_len() - self.answer.len()
    }

    /// Takes at most the bytes that are wanted, and returns what to send next.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, ProxyError> {
        self.answer.extend_from_slice(bytes);
        self.judge()?;
        if self.wanted() > 0 {
            return Ok(None);
        }
        let method = self.answer.get(1).copied();
        self.answer.clear();
        match (self.stage, &mut self.login) {
            (Stage::Method, Some(login)) if method == Some(METHOD_LOGIN) => {
                self.stage = Stage::Login;
                Ok(Some(std::mem::take(login)))
            }
            (Stage::Method | Stage::Login, _) => {
                self.stage = Stage::Reply;
                Ok(Some(std::mem::take(&mut self.request)))
            }
            (Stage::Reply | Stage::Open, _) => {
                self.stage = Stage::Open;
                Ok(None)
            }
        }
    }

    /// The length of the answer, as far as it is known: never more than it is.
    fn answer_len(&self) -> usize {
        match self.stage {
            Stage::Method | Stage::Login => 2,
            // Version, reply, reserved, type; address; port.
            Stage::Reply => match self.answer[..] {
                [_, _, _, IPV4, ..] => 4 + 4 + 2,
                [_, _, _, IPV6, ..] => 4 + 16 + 2,
                [_, _, _, NAME, len, ..] => 4 + 1 + usize::from(len) + 2,
                _ => 5,
            },
            Stage::Open => 0,
        }
    }

    /// Fails at the first byte that rules success out.
    fn judge(&self) -> Result<(), ProxyError> {
        match (self.stage, &self.answer[..]) {
            (Stage::Method | Stage::Reply, [version, ..]) if *version != VERSION => {
                Err(ProxyError::Malformed)
            }
            (Stage::Method, [_, METHOD_NONE]) => Ok(()),
            (Stage::Method, [_, METHOD_LOGIN]) if self.login.is_some() => Ok(()),
            (Stage::Method, [_, _]) => Err(ProxyError::NoAuthenticationMethod),
            // Some servers send version 5 here; the status is what matters.
            (Stage::Login, [_, status]) if *status != SUCCEEDED => {
                Err(ProxyError::AuthenticationRefused)
            }
            (Stage::Reply, [_, code, ..]) if *code != SUCCEEDED => {
                Err(ProxyError::SocksReply { code: *code })
            }
            (Stage::Reply, [_, _, _, kind, ..]) if ![IPV4, NAME, IPV6].contains(kind) => {
                Err(ProxyError::Malformed)
            }
            _ => Ok(()),
        }
    }
}

/// The words of RFC 1928, section 6.
pub(super) fn reply_text(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by the rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown",
    }
}

fn encode_login(credentials: &Credentials) -> Result<Vec<u8>, ProxyError> {
    let mut login = vec![LOGIN_VERSION];
    for field in [&credentials.user, &credentials.password] {
        let len = u8::try_from(field.len()).map_err(|_| ProxyError::CredentialsForm)?;
        login.push(len);
        login.extend_from_slice(field.as_bytes());
    }
    Ok(login)
}

fn encode_request(target: &WebSocketUrl) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    match target.ip() {
        Some(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend_from_slice(&address.octets());
        }
        None => {
            request.push(NAME);
            request.push(target.host().len() as u8); // a URL's host has at most 254 bytes
            request.extend_from_slice(target.host().as_bytes());
        }
    }
    request.extend_from_slice(&target.port().to_be_bytes());
    request
}
