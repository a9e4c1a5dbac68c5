//! TLS for the tool: certificates made at the start, or read from PEM files.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use wirespeed::net::tls::{TlsClient, TlsError, TlsServer};

use crate::args::ServerTlsArgs;

/// A certificate that was made for this run, and its key, as PEM texts.
pub(crate) struct MadeCertificate {
    certificate: String,
    key: String,
}

impl MadeCertificate {
    /// A certificate for this machine: `localhost`, the loopback addresses, and
    /// the address that is listened on. It is signed by its own key.
    ///
    /// # Errors
    ///
    /// [`TlsSetupError::Make`] if the system's random generator fails.
    pub(crate) fn new(listen: IpAddr) -> Result<Self, TlsSetupError> {
        let mut names = vec!["localhost".to_owned()];
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        names.extend(loopback.iter().map(IpAddr::to_string));
        if !loopback.contains(&listen) && !listen.is_unspecified() {
            names.push(listen.to_string());
        }
        let made = rcgen::generate_simple_self_signed(names)?;
        Ok(Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() })
    }

    /// A server that shows this certificate.
    pub(crate) fn server(&self) -> Result<TlsServer, TlsError> {
        TlsServer::from_pem(self.certificate.as_bytes(), self.key.as_bytes())
    }

    /// A client that trusts this certificate and no other.
    pub(crate) fn client(&self) -> Result<TlsClient, TlsError> {
        let builder = TlsClient::builder().default_roots(false);
        builder.add_authority_pem(self.certificate.as_bytes())?.build()
    }
}

/// What the options ask for; `None` for a server without TLS.
///
/// # Errors
///
/// [`TlsSetupError`] if a file cannot be read or written, or does not fit.
pub(crate) fn server_from(
    args: &ServerTlsArgs,
    listen: IpAddr,
) -> Result<Option<TlsServer>, TlsSetupError> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return Ok(Some(TlsServer::from_pem_files(cert, key)?));
    }
    if !args.tls {
        return Ok(None);
    }
    let made = MadeCertificate::new(listen)?;
    if let Some(path) = &args.save_cert {
        fs::write(path, &made.certificate)
            .map_err(|source| TlsSetupError::Save { path: path.clone(), source })?;
    }
    Ok(Some(made.server()?))
}

/// A client that trusts the certificates in a PEM file and no others.
///
/// # Errors
///
/// [`TlsError`] if the file cannot be read or holds no certificate.
pub(crate) fn client_trusting(path: &Path) -> Result<TlsClient, TlsError> {
    TlsClient::builder().default_roots(false).add_authority_file(path)?.build()
}

/// Why a server cannot serve TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsSetupError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot write the certificate to {}: {source}", path.display())]
    Save { path: PathBuf, source: io::Error },
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_certificate_serves_and_is_trusted() {
        let made = MadeCertificate::new(IpAddr::from([192, 0, 2, 1])).unwrap();
        assert!(made.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        made.server().unwrap();
        made.client().unwrap();
    }

    #[test]
    fn errors_name_the_file() {
        let error = client_trusting(Path::new("/no/such/ca.pem")).unwrap_err().to_string();
        assert!(error.contains("/no/such/ca.pem"), "{error}");
    }
}
