//! The kernel's round-trip estimate of a TCP socket.

use std::mem::size_of_val;
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// `struct tcp_info` up to and including `tcpi_rtt`, as 32-bit words: eight
/// single bytes, then words of which this is the sixteenth. The kernel only
/// ever appends to it, and fills in as much as the caller has room for. libc
/// knows the struct on Linux, but not on Android.
const WORDS: usize = 18;
const RTT_WORD: usize = 17;

/// The smoothed round trip (`tcpi_rtt`); `None` if the kernel has none.
pub(super) fn smoothed_rtt(socket: &impl AsFd) -> Option<Duration> {
    let words = read(socket.as_fd())?;
    match words[RTT_WORD] {
        0 => None,
        rtt_us => Some(Duration::from_micros(rtt_us.into())),
    }
}

#[expect(
    unsafe_code,
    reason = "no safe wrapper of TCP_INFO among the dependencies"
)]
fn read(socket: BorrowedFd<'_>) -> Option<[u32; WORDS]> {
    let mut words = [0u32; WORDS];
    let size = size_of_val(&words);
    let mut length = libc::socklen_t::try_from(size).ok()?;
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel
    // writes at most `length` bytes, which is the size of `words`, and any
    // bytes are valid words.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            words.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    (result == 0 && usize::try_from(length).ok()? == size).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};

    #[test]
    fn a_fresh_connection_on_loopback_has_a_short_round_trip() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let rtt = smoothed_rtt(&stream).unwrap();
        assert!(rtt < Duration::from_secs(1), "{rtt:?}");
    }

    #[test]
    fn other_sockets_have_none() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(smoothed_rtt(&socket), None);
    }
}
