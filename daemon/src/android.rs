//! What only Android has: sockets and name look-ups on one of several
//! networks, and system properties. All calls into Android's libraries are
//! here.
//!
//! The two functions for networks come from `libandroid_net` (a part of the platform that
//! is nothing but these) or, with the NDK, from `libandroid`, which has them
//! too but pulls in the graphics stack. No `#[link]` here: the build names the
//! library. Properties are bionic's.
#![expect(
    unsafe_code,
    reason = "calls into libandroid_net, getaddrinfo and bionic"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;

use socket2::{SockAddr, Socket};

unsafe extern "C" {
    /// `<android/multinetwork.h>`, API level 23. Returns 0, or -1 with errno.
    fn android_setsocknetwork(network: u64, fd: RawFd) -> c_int;

    /// `<android/multinetwork.h>`, API level 23. As getaddrinfo.
    fn android_getaddrinfofornetwork(
        network: u64,
        node: *const c_char,
        service: *const c_char,
        hints: *const libc::addrinfo,
        result: *mut *mut libc::addrinfo,
    ) -> c_int;
}

/// A system property; `None` if it is not set, or is not for us to read.
pub(crate) fn property(name: &CStr) -> Option<String> {
    const MAX_BYTES: usize = libc::PROP_VALUE_MAX as usize;
    let mut value = [0u8; MAX_BYTES];
    // SAFETY: `name` is a C string, and `value` has the room that the function
    // demands: it writes at most PROP_VALUE_MAX bytes, a final zero included.
    let length = unsafe { libc::__system_property_get(name.as_ptr(), value.as_mut_ptr().cast()) };
    let length = usize::try_from(length).ok().filter(|&length| length > 0)?;
    Some(String::from_utf8_lossy(value.get(..length)?).into_owned())
}

/// Ties a socket to a network.
pub(crate) fn set_socket_network(socket: &Socket, handle: u64) -> io::Result<()> {
    // SAFETY: takes no pointers; the descriptor is open while it is borrowed,
    // and a handle that names no network is an error, not a fault.
    match unsafe { android_setsocknetwork(handle, socket.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The addresses of a name as that network sees it. Blocks for as long as its
/// resolver likes.
pub(crate) fn look_up(host: &str, port: u16, handle: u64) -> io::Result<Vec<SocketAddr>> {
    let host = CString::new(host)?;
    // One entry for each address, not one for each kind of socket.
    let hints = libc::addrinfo {
        ai_flags: 0,
        ai_family: libc::AF_UNSPEC,
        ai_socktype: libc::SOCK_DGRAM,
        ai_protocol: 0,
        ai_addrlen: 0,
        ai_canonname: ptr::null_mut(),
        ai_addr: ptr::null_mut(),
        ai_next: ptr::null_mut(),
    };
    let mut found = ptr::null_mut();
    // SAFETY: `host` is a C string and `hints` a whole addrinfo, both alive
    // for the call; a null service is allowed; `found` is written only here.
    let result = unsafe {
        android_getaddrinfofornetwork(handle, host.as_ptr(), ptr::null(), &hints, &mut found)
    };
    if result != 0 {
        return Err(io::Error::other(format!("getaddrinfo error {result}")));
    }
    let found = AddressList(found);
    Ok(found.addresses(port))
}

/// What getaddrinfo gave and wants back.
struct AddressList(*mut libc::addrinfo);

impl AddressList {
    fn addresses(&self, port: u16) -> Vec<SocketAddr> {
        let mut addresses = Vec::new();
        let mut next = self.0;
        // SAFETY: after success getaddrinfo leaves a list of valid entries that
        // ends with a null pointer and lives until freeaddrinfo, which only
        // `drop` calls.
        while let Some(entry) = unsafe { next.as_ref() } {
            if let Some(mut address) = socket_address(entry) {
                address.set_port(port);
                addresses.push(address);
            }
            next = entry.ai_next;
        }
        addresses
    }
}

impl Drop for AddressList {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from getaddrinfo and is freed once.
            unsafe { libc::freeaddrinfo(self.0) }
        }
    }
}

fn socket_address(entry: &libc::addrinfo) -> Option<SocketAddr> {
    let length = usize::try_from(entry.ai_addrlen).ok()?;
    if entry.ai_addr.is_null() || length > size_of::<libc::sockaddr_storage>() {
        return None;
    }
    // SAFETY: `ai_addr` points to `ai_addrlen` bytes, which fit the storage,
    // and the length reported is what was copied.
    let address = unsafe {
        SockAddr::try_init(|storage, size| {
            ptr::copy_nonoverlapping(entry.ai_addr.cast::<u8>(), storage.cast::<u8>(), length);
            *size = entry.ai_addrlen;
            Ok(())
        })
    };
    address.ok()?.1.as_socket()
}
