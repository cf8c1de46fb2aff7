//! Certificates for development: a root and a server certificate it signs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use thiserror::Error;

/// Why no certificates came about.
#[derive(Debug, Error)]
pub enum DevCertError {
    /// Neither a DNS name nor an IP address.
    #[error("{name:?} is neither a DNS name nor an IP address")]
    Name {
        /// As given.
        name: String,
    },
    /// A name that cannot stand in a certificate, or a failure of the library.
    #[error("cannot make a certificate for these names")]
    Make(#[from] rcgen::Error),
    /// A file.
    #[error("cannot write {path}{}", exists_hint(source))]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn exists_hint(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::AlreadyExists {
        "; remove it first, nothing is overwritten"
    } else {
        ""
    }
}

/// The files written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevCert {
    /// For the handsets' `roots`.
    pub root: PathBuf,
    /// For the gateway's `cert`.
    pub cert: PathBuf,
    /// For the gateway's `key`.
    pub key: PathBuf,
}

/// Writes `root.pem`, `server.pem` and `server.key` into a directory. Names are
/// DNS names or IP addresses. The root's own key is not kept, so that it can sign
/// nothing else.
pub fn write(out: &Path, names: Vec<String>) -> Result<DevCert, DevCertError> {
    let is_name = |name: &str| rustls_pki_types::ServerName::try_from(name).is_ok();
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        let name = name.clone();
        return Err(DevCertError::Name { name });
    }
    let root_key = KeyPair::generate()?;
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.distinguished_name
        .push(DnType::CommonName, "Twine development root");
    let root_pem = root.self_signed(&root_key)?.pem();
    let issuer = Issuer::new(root, root_key);

    let server_key = KeyPair::generate()?;
    let mut server = CertificateParams::new(names)?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server
        .distinguished_name
        .push(DnType::CommonName, "Twine development gateway");
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();

    let files = DevCert {
        root: out.join("root.pem"),
        cert: out.join("server.pem"),
        key: out.join("server.key"),
    };
    fs::create_dir_all(out).map_err(|source| DevCertError::Write {
        path: out.to_owned(),
        source,
    })?;
    create(&files.root, &root_pem, 0o644)?;
    create(&files.cert, &server_pem, 0o644)?;
    create(&files.key, &server_key.serialize_pem(), 0o600)?;
    Ok(files)
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), DevCertError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| DevCertError::Write {
        path: path.to_owned(),
        source,
    })
}
