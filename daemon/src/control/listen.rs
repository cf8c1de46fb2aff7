//! The control socket's place: inherited from init, or made here.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Who may connect is decided by UID at the connection, so that a refused
/// client is told why.
const SOCKET_MODE: u32 = 0o666;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 16;

/// Why there is no control socket.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody answers there.
    #[error("{} is in use: another daemon listens there", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// Something else has that name.
    #[error("{} exists and is no socket; remove it or configure another path", path.display())]
    NoSocket {
        /// Where.
        path: PathBuf,
    },
    /// The environment does not name an open socket.
    #[error("{variable} does not name an open listening socket")]
    Inherited {
        /// The variable that init sets.
        variable: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system does not let us.
    #[error("cannot listen on {}", path.display())]
    Bind {
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Takes the socket that init made under this file name, or makes one.
/// Non-blocking and closed on exec.
pub fn listen(path: &Path) -> Result<UnixListener, ListenError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let variable = format!("ANDROID_SOCKET_{name}");
    match std::env::var_os(&variable) {
        Some(value) => inherit(value).map_err(|source| ListenError::Inherited { variable, source }),
        None => bind(path),
    }
}

#[expect(unsafe_code, reason = "init hands the socket over as a number")]
fn inherit(value: OsString) -> io::Result<UnixListener> {
    let fd: RawFd = value
        .to_str()
        .and_then(|text| text.parse().ok())
        .filter(|&fd| fd > 2)
        .ok_or(io::ErrorKind::InvalidInput)?;
    // Whether it is open is asked first: init's word is good, an environment
    // made by hand may not be.
    fs::metadata(format!("/proc/self/fd/{fd}"))?;
    // SAFETY: open, as just seen; init passed it to this process for this one
    // use, and this is called once, before anything else could have taken or
    // closed that number.
    let listener = unsafe { UnixListener::from_raw_fd(fd) };
    let socket = socket2::SockRef::from(&listener);
    socket.set_cloexec(true)?;
    // init binds the socket, and listens only where its .rc says so; to listen
    // again does nothing but set the backlog.
    socket.listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind(path: &Path) -> Result<UnixListener, ListenError> {
    remove_stale(path)?;
    let bind = || {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| ListenError::Bind {
        path: path.to_owned(),
        source,
    })
}

/// A socket file outlives the daemon that made it. One that nobody answers is
/// removed.
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let path = path.to_owned();
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(metadata) if !metadata.file_type().is_socket() => Err(ListenError::NoSocket { path }),
        _ if UnixStream::connect(&path).is_ok() => Err(ListenError::InUse { path }),
        _ => fs::remove_file(&path).map_err(|source| ListenError::Bind { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twined");
        let first = listen(&path).unwrap();
        assert!(matches!(listen(&path), Err(ListenError::InUse { .. })));
        drop(first);
        listen(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            SOCKET_MODE
        );
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("twined");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(listen(&path), Err(ListenError::NoSocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn an_inherited_socket_has_to_be_open() {
        for value in ["", "x", "1", "98765"] {
            assert!(inherit(value.into()).is_err(), "{value:?}");
        }
    }
}
