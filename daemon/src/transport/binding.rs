//! Sockets that are tied to one link.
//!
//! Owns how a [`Binding`] becomes socket options: by network handle on Android,
//! by interface or source address on Linux. All sockets are non-blocking and
//! closed on exec. Never chooses a link, and never falls back to another: a
//! socket that cannot be bound is an error, because its bytes might cost the
//! user money elsewhere.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use twine_engine::DownReason;
use twine_engine::link::Binding;

use super::down::unreachable;

/// Longest interface name of Linux, `IFNAMSIZ` less its final zero.
const MAX_INTERFACE_BYTES: usize = 15;

/// Whether a socket with this binding can speak to that address at all.
pub(super) fn suits(binding: &Binding, remote: IpAddr) -> bool {
    binding
        .source_address
        .is_none_or(|source| source.is_ipv4() == remote.is_ipv4())
}

/// A UDP socket on that link, for a remote address of this family.
pub(super) fn udp_socket(binding: &Binding, remote: IpAddr) -> Result<UdpSocket, DownReason> {
    let socket = bound(binding, remote, Type::DGRAM, Protocol::UDP)?;
    Ok(socket.into())
}

/// A TCP socket on that link, not yet connected. `TCP_NODELAY`: we write when
/// there is nothing more to add. No keepalive: the engine's heartbeat is what
/// keeps the path open, at times it learns.
pub(super) fn tcp_socket(
    binding: &Binding,
    remote: IpAddr,
    unacked_timeout: Duration,
) -> Result<Socket, DownReason> {
    let socket = bound(binding, remote, Type::STREAM, Protocol::TCP)?;
    socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_tcp_user_timeout(Some(unacked_timeout)))
        .map_err(|error| unreachable("cannot set up a TCP socket", &error))?;
    Ok(socket)
}

/// Whether the kernel has a route to there on that link. Sends nothing; UDP
/// would otherwise lose its packets in silence until the time-out.
pub(super) fn check_route(binding: &Binding, remote: SocketAddr) -> Result<(), DownReason> {
    bound(binding, remote.ip(), Type::DGRAM, Protocol::UDP)?
        .connect(&remote.into())
        .map_err(|error| unreachable("no route on this link", &error))
}

fn bound(
    binding: &Binding,
    remote: IpAddr,
    kind: Type,
    protocol: Protocol,
) -> Result<Socket, DownReason> {
    let (domain, any) = match remote {
        IpAddr::V4(_) => (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        IpAddr::V6(_) => (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    };
    if !suits(binding, remote) {
        return Err(DownReason::Unreachable(
            "this link has no address of the gateway's family".into(),
        ));
    }
    let socket = open(domain, kind, protocol)
        .map_err(|error| unreachable("cannot open a socket", &error))?;
    if let Some(handle) = binding.network_handle {
        set_network(&socket, handle)?;
    }
    if let Some(interface) = &binding.interface {
        // The kernel would cut a longer name and bind to another interface.
        if interface.is_empty() || interface.len() > MAX_INTERFACE_BYTES {
            return Err(DownReason::Local(format!(
                "an interface name has 1 to {MAX_INTERFACE_BYTES} bytes"
            )));
        }
        socket
            .bind_device(Some(interface.as_bytes()))
            .map_err(|error| unreachable("cannot bind to the link's interface", &error))?;
    }
    // TCP without a source takes its address at connect; a UDP socket is bound
    // at once, so that it has a port to receive on.
    let source = match binding.source_address {
        Some(source) => Some(source),
        None if kind == Type::DGRAM => Some(any),
        None => None,
    };
    if let Some(source) = source {
        socket
            .bind(&SocketAddr::new(source, 0).into())
            .map_err(|error| unreachable("cannot bind to the link's address", &error))?;
    }
    Ok(socket)
}

/// `Socket::new` sets close-on-exec.
fn open(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

#[cfg(target_os = "android")]
fn set_network(socket: &Socket, handle: u64) -> Result<(), DownReason> {
    crate::android::set_socket_network(socket, handle)
        .map_err(|error| unreachable("cannot bind to the network", &error))
}

#[cfg(not(target_os = "android"))]
fn set_network(_socket: &Socket, _handle: u64) -> Result<(), DownReason> {
    Err(DownReason::Local(
        "a network handle works only on Android; give an interface or a source address".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn from(source: &str) -> Binding {
        Binding {
            source_address: Some(source.parse().unwrap()),
            ..Binding::default()
        }
    }

    #[test]
    fn binds_to_the_source_address() {
        let socket = udp_socket(&from("127.0.0.3"), V4).unwrap();
        let local = socket.local_addr().unwrap();
        assert_eq!(local.ip(), "127.0.0.3".parse::<IpAddr>().unwrap());
        assert_ne!(local.port(), 0);
    }

    #[test]
    fn binds_to_the_interface() {
        let binding = Binding {
            interface: Some("lo".into()),
            ..Binding::default()
        };
        let socket = bound(&binding, V4, Type::STREAM, Protocol::TCP).unwrap();
        assert_eq!(socket.device().unwrap().unwrap(), b"lo");
    }

    fn close_on_exec(socket: &Socket) -> bool {
        let info = format!("/proc/self/fdinfo/{}", socket.as_raw_fd());
        let info = std::fs::read_to_string(info).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = i32::from_str_radix(flags.unwrap().trim(), 8).unwrap();
        flags & libc::O_CLOEXEC != 0
    }

    #[test]
    fn sockets_do_not_block_and_are_not_inherited() {
        let socket = tcp_socket(&Binding::default(), V4, Duration::from_secs(7)).unwrap();
        assert!(socket.nonblocking().unwrap());
        assert!(close_on_exec(&socket));
        assert!(socket.tcp_nodelay().unwrap());
        assert!(!socket.keepalive().unwrap());
        let timeout = socket.tcp_user_timeout().unwrap();
        assert_eq!(timeout, Some(Duration::from_secs(7)));
    }

    #[test]
    fn the_other_family_is_unreachable() {
        let reason = udp_socket(&from("::1"), V4).unwrap_err();
        assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
        assert!(!suits(&from("::1"), V4));
        assert!(suits(&Binding::default(), V4));
    }

    #[test]
    fn an_address_that_is_not_ours_is_unreachable() {
        // TEST-NET-1, RFC 5737.
        let reason = udp_socket(&from("192.0.2.1"), V4).unwrap_err();
        assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
    }

    #[test]
    fn never_binds_to_another_interface_than_the_named() {
        for name in ["nosuchlink", "", "lo-and-much-too-long"] {
            let binding = Binding {
                interface: Some(name.into()),
                ..Binding::default()
            };
            udp_socket(&binding, V4).unwrap_err();
        }
    }

    #[test]
    #[cfg(not(target_os = "android"))]
    fn a_network_handle_is_refused_elsewhere() {
        let binding = Binding {
            network_handle: Some(1),
            ..Binding::default()
        };
        let reason = udp_socket(&binding, V4).unwrap_err();
        assert!(matches!(reason, DownReason::Local(_)), "{reason:?}");
    }

    #[test]
    fn finds_a_missing_route_without_sending() {
        // From a loopback address there is no way out of the machine.
        let binding = Binding {
            interface: Some("lo".into()),
            source_address: Some("127.0.0.1".parse().unwrap()),
            ..Binding::default()
        };
        check_route(&binding, "127.0.0.2:9".parse().unwrap()).unwrap();
        let reason = check_route(&binding, "[::1]:9".parse().unwrap()).unwrap_err();
        assert!(matches!(reason, DownReason::Unreachable(_)), "{reason:?}");
    }
}
