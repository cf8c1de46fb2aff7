//! The gateway's addresses, as one network sees them.
//!
//! An IP literal costs nothing. A name is looked up by the system, which
//! caches: on Linux by the system's resolver over whatever route it takes; on Android on
//! the link's own network, because each may answer otherwise or not at all.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::Semaphore;
use twine_engine::DownReason;
use twine_engine::link::Binding;

use super::binding::suits;
use super::limits::MAX_ADDRESSES;

/// The addresses to try, best first, never empty.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    binding: &Binding,
    lookups: &Arc<Semaphore>,
) -> Result<Vec<SocketAddr>, DownReason> {
    let found = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => look_up(host, port, binding.network_handle, lookups).await?,
    };
    let addresses = choose(found, binding);
    if addresses.is_empty() {
        return Err(DownReason::Unreachable(
            "the gateway has no address that this link can speak to".into(),
        ));
    }
    Ok(addresses)
}

/// The families take turns, first the one that the system put first: an
/// address family that does not work costs one try, not all.
fn choose(found: Vec<SocketAddr>, binding: &Binding) -> Vec<SocketAddr> {
    let mut usable: Vec<_> = found
        .into_iter()
        .filter(|address| suits(binding, address.ip()))
        .collect();
    let mut chosen = Vec::new();
    let mut v4 = usable.first().is_some_and(SocketAddr::is_ipv4);
    while chosen.len() < MAX_ADDRESSES && !usable.is_empty() {
        let next = usable
            .iter()
            .position(|address| address.is_ipv4() == v4)
            .unwrap_or(0);
        let address = usable.remove(next);
        usable.retain(|other| *other != address);
        chosen.push(address);
        v4 = !v4;
    }
    chosen
}

async fn look_up(
    host: &str,
    port: u16,
    network: Option<u64>,
    lookups: &Arc<Semaphore>,
) -> Result<Vec<SocketAddr>, DownReason> {
    let Ok(permit) = Arc::clone(lookups).try_acquire_owned() else {
        return Err(DownReason::Unreachable(
            "earlier name look-ups still hang".into(),
        ));
    };
    let host = host.to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        // Held by the thread, not by the waiting connection: a look-up goes on
        // after its connection was given up.
        let _permit = permit;
        system_look_up(&host, port, network)
    })
    .await;
    match answer {
        Ok(Ok(addresses)) => Ok(addresses),
        // The system's words for this differ and may hold the name; the kind
        // is always the same.
        Ok(Err(_)) => Err(DownReason::Unreachable(
            "the gateway's name has no address here".into(),
        )),
        Err(_) => Err(DownReason::Local("a name look-up was broken off".into())),
    }
}

#[cfg(target_os = "android")]
fn system_look_up(host: &str, port: u16, network: Option<u64>) -> io::Result<Vec<SocketAddr>> {
    match network {
        Some(network) => crate::android::look_up(host, port, network),
        None => std_look_up(host, port),
    }
}

#[cfg(not(target_os = "android"))]
fn system_look_up(host: &str, port: u16, _network: Option<u64>) -> io::Result<Vec<SocketAddr>> {
    std_look_up(host, port)
}

fn std_look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    use std::net::ToSocketAddrs;
    Ok((host, port).to_socket_addrs()?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = addresses(&[
            "[2001:db8::1]:1",
            "[2001:db8::2]:1",
            "[2001:db8::2]:1",
            "192.0.2.1:1",
            "192.0.2.2:1",
            "192.0.2.3:1",
        ]);
        let expected = addresses(&[
            "[2001:db8::1]:1",
            "192.0.2.1:1",
            "[2001:db8::2]:1",
            "192.0.2.2:1",
        ]);
        assert_eq!(choose(found, &Binding::default()), expected);
    }

    #[test]
    fn only_the_family_of_the_link() {
        let binding = Binding {
            source_address: Some("192.0.2.9".parse().unwrap()),
            ..Binding::default()
        };
        let found = addresses(&["[2001:db8::1]:1", "192.0.2.1:1"]);
        assert_eq!(choose(found, &binding), addresses(&["192.0.2.1:1"]));
    }

    #[tokio::test]
    async fn a_look_up_that_hangs_is_not_followed_by_more() {
        let none = Arc::new(Semaphore::new(0));
        let answer = resolve("gateway.invalid", 1, &Binding::default(), &none).await;
        assert!(matches!(answer, Err(DownReason::Unreachable(_))));
        let literal = resolve("192.0.2.1", 7, &Binding::default(), &none).await;
        assert_eq!(literal.unwrap(), addresses(&["192.0.2.1:7"]));
    }
}
