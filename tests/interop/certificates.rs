//! Certificates for `localhost`, made for one run of the tests.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// PEM files with a certificate, its key, and the authority that signed it.
pub(crate) struct Certificates {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) authority: PathBuf,
}

impl Certificates {
    pub(crate) fn get() -> &'static Self {
        static MADE: OnceLock<Certificates> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    /// The options with which a peer serves TLS.
    pub(crate) fn for_server(&self) -> [&str; 3] {
        ["--tls", text(&self.certificate), text(&self.key)]
    }

    /// The options with which a peer trusts such a server.
    pub(crate) fn for_client(&self) -> [&str; 2] {
        ["--ca", text(&self.authority)]
    }

    fn make() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-certificates");
        std::fs::create_dir_all(&directory).unwrap();
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let certificate = leaf().signed_by(&key, &authority).unwrap();
        let write = |name: &str, pem: String| {
            let path = directory.join(name);
            std::fs::write(&path, pem).unwrap();
            path
        };
        Self {
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", key.serialize_pem()),
            authority: write("authority.pem", authority.pem()),
        }
    }
}

// The key usages, and the identifiers of keys, are what recent versions of
// Python insist on.

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "interoperability tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf() -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the target directory has a name in UTF-8")
}
