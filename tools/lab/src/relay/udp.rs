//! UDP through the relay: a table of flows, as in a NAT.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::link::{Destination, Way};
use super::{LinkHandle, LinkTable, Upstream};
use crate::limits::{MAX_DATAGRAM_BYTES, MAX_FLOWS_PER_LINK};

/// One source address and port, and the socket that stands for it upstream.
struct Flow {
    upstream: Arc<UdpSocket>,
    reader: tokio::task::AbortHandle,
    used: Instant,
}

/// Carries datagrams until dropped.
pub(super) async fn serve(
    listener: Arc<UdpSocket>,
    links: LinkTable,
    upstream: watch::Receiver<Upstream>,
) {
    let mut flows: HashMap<SocketAddr, Flow> = HashMap::new();
    let mut readers = JoinSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    loop {
        // Readers that were aborted leave their handle behind.
        while readers.try_join_next().is_some() {}
        // An error is that of an earlier datagram: not of interest to a relay.
        let Ok((size, from)) = listener.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        // A source that is no link is not of this country.
        let Some(link) = links.get(&from.ip()) else {
            continue;
        };
        link.touch();
        if !flows.contains_key(&from) {
            make_room(&mut flows, from.ip());
            let Ok(socket) = UdpSocket::bind((link.upstream, 0)).await else {
                continue;
            };
            let socket = Arc::new(socket);
            let reader = readers.spawn(carry_down(
                Arc::clone(&socket),
                Arc::clone(&listener),
                from,
                link.clone(),
            ));
            flows.insert(
                from,
                Flow {
                    upstream: socket,
                    reader,
                    used: Instant::now(),
                },
            );
        }
        if let Some(flow) = flows.get_mut(&from) {
            flow.used = Instant::now();
            link.datagram(
                Way::Up,
                Arc::clone(&flow.upstream),
                Destination::Gateway(upstream.clone()),
                Bytes::copy_from_slice(&buffer[..size]),
            );
        }
    }
}

/// Forgets the flow of this link that has been idle for longest, if there are
/// too many.
fn make_room(flows: &mut HashMap<SocketAddr, Flow>, link: IpAddr) {
    let of_link = || flows.iter().filter(|(from, _)| from.ip() == link);
    if of_link().count() < MAX_FLOWS_PER_LINK {
        return;
    }
    let oldest = of_link()
        .min_by_key(|(_, flow)| flow.used)
        .map(|(from, _)| *from);
    if let Some(flow) = oldest.and_then(|from| flows.remove(&from)) {
        flow.reader.abort();
    }
}

async fn carry_down(
    upstream: Arc<UdpSocket>,
    listener: Arc<UdpSocket>,
    to: SocketAddr,
    link: LinkHandle,
) {
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    loop {
        let Ok(size) = upstream.recv(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        link.datagram(
            Way::Down,
            Arc::clone(&listener),
            Destination::Handset(to),
            Bytes::copy_from_slice(&buffer[..size]),
        );
    }
}
