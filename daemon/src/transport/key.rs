//! The device key: Ed25519, made on the device, never leaving it.
//!
//! Owns its file. It is the device's identity towards the gateway (DELIVERY 30):
//! a file that cannot be read is an error and is never replaced by a new key.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::limits::MAX_KEY_FILE_BYTES;

/// Only the daemon's own user.
const FILE_MODE: u32 = 0o600;

/// The device's key pair.
pub struct DeviceKey {
    public: [u8; 32],
    signing: Arc<dyn SigningKey>,
}

/// Why there is no device key.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// The file is there, but cannot be read.
    #[error("cannot read the device key {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what was written once.
    #[error(
        "{} is no Ed25519 key in PKCS#8; restore it, or remove it and bind the numbers to a new key",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// A new key cannot be kept.
    #[error("cannot write the device key {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers for a device key")]
    Random,
}

impl DeviceKey {
    /// Reads the key at `path`; if there is no file, makes one (PKCS#8, mode
    /// 0600), which is complete and on disk under that name, or not there at
    /// all.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self, DeviceKeyError> {
        let path = path.as_ref();
        let read_error = |source| DeviceKeyError::Read {
            path: path.to_owned(),
            source,
        };
        match read(path) {
            Ok(pkcs8) => Self::from_pkcs8(&pkcs8, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .map_err(|_| DeviceKeyError::Random)?;
                write(path, pkcs8.as_ref()).map_err(|source| DeviceKeyError::Write {
                    path: path.to_owned(),
                    source,
                })?;
                Self::from_pkcs8(pkcs8.as_ref(), path)
            }
            Err(error) => Err(read_error(error)),
        }
    }

    /// The public half: what a number is bound to at the gateway.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The key as rustls presents it: a bare SubjectPublicKeyInfo (RFC 7250).
    pub(super) fn raw_public_key(&self) -> Result<Arc<CertifiedKey>, rustls::Error> {
        let info = self
            .signing
            .public_key()
            .ok_or_else(|| rustls::Error::General("the key has no public half".into()))?;
        let certificate = CertificateDer::from(info.as_ref().to_vec());
        Ok(Arc::new(CertifiedKey::new(
            vec![certificate],
            Arc::clone(&self.signing),
        )))
    }

    fn from_pkcs8(pkcs8: &[u8], path: &Path) -> Result<Self, DeviceKeyError> {
        let corrupt = || DeviceKeyError::Corrupt {
            path: path.to_owned(),
        };
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| corrupt())?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| corrupt())?;
        let signing = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8))
            .map_err(|_| corrupt())?;
        Ok(Self { public, signing })
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey")
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        // A backup tool may have widened it. Refusing would cost the user the
        // service, and what was readable has been read.
        log::warn!("the device key file was open to other users; closed it");
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
    }
    let mut pkcs8 = Vec::new();
    file.take(MAX_KEY_FILE_BYTES).read_to_end(&mut pkcs8)?;
    Ok(pkcs8)
}

/// Written beside, synced, renamed, and the rename synced: a power cut leaves
/// the whole file or none.
fn write(path: &Path, pkcs8: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(beside)?;
    file.write_all(pkcs8)?;
    file.sync_all()?;
    fs::rename(beside, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_once_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        let made = DeviceKey::load_or_create(&path).unwrap();
        let read = DeviceKey::load_or_create(&path).unwrap();
        assert_eq!(made.public(), read.public());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, FILE_MODE);
        let files = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside the key");
    }

    #[test]
    fn two_devices_have_two_keys() {
        let directory = tempfile::tempdir().unwrap();
        let one = DeviceKey::load_or_create(directory.path().join("1")).unwrap();
        let two = DeviceKey::load_or_create(directory.path().join("2")).unwrap();
        assert_ne!(one.public(), two.public());
    }

    #[test]
    fn a_rest_of_an_interrupted_writing_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        fs::write(directory.path().join("device.key.new"), b"half").unwrap();
        DeviceKey::load_or_create(&path).unwrap();
    }

    #[test]
    fn a_corrupt_file_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        for content in [&b""[..], b"not a key", &[0x30; 4096]] {
            fs::write(&path, content).unwrap();
            let error = DeviceKey::load_or_create(&path).unwrap_err();
            assert!(matches!(error, DeviceKeyError::Corrupt { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        DeviceKey::load_or_create(directory.path().join("other")).unwrap();
        std::os::unix::fs::symlink(directory.path().join("other"), &path).unwrap();
        let error = DeviceKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, DeviceKeyError::Read { .. }), "{error}");
    }

    #[test]
    fn a_file_open_to_others_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        DeviceKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        DeviceKey::load_or_create(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, FILE_MODE);
    }

    #[test]
    fn the_raw_public_key_is_the_spki_of_the_public_half() {
        let directory = tempfile::tempdir().unwrap();
        let key = DeviceKey::load_or_create(directory.path().join("k")).unwrap();
        let raw = key.raw_public_key().unwrap();
        // RFC 8410: a fixed prefix of twelve bytes, then the key.
        let spki = raw.cert[0].as_ref();
        assert_eq!(spki.len(), 44);
        assert_eq!(spki[12..], key.public());
    }
}
