//! The country's networks, in userspace: a relay between handsets and gateway
//! that shapes UDP and TCP per link, without privileges.
//!
//! Owns the relay's sockets and the tasks that carry. Never reads what it
//! carries.
//!
//! ```text
//!  handset, link "lte"  127.64.0.1 ─┐              ┌─ 127.96.0.1 ─┐
//!  handset, link "wifi" 127.64.0.2 ─┼─► relay ─────┼─ 127.96.0.2 ─┼─► gateway
//!  another, link "lte"  127.64.1.1 ─┘  one address └─ 127.96.1.1 ─┘
//! ```
//!
//! A link is known by its source address, and the gateway sees each link come
//! from an address of its own: a change of link is a change of path for it,
//! as behind two operators' NATs.
//!
//! # What is shaped, and what is not
//!
//! Both directions of a link have a bottleneck that all its traffic shares, a
//! first-in-first-out queue, a delay, and loss for datagrams. TCP ends at the
//! relay on both sides: its bytes wait, cross and fly like datagrams, and its
//! window pushes back, but **connecting takes no time and no segment is ever
//! lost**, so TCP looks better here than on the air; reports say so.
//!
//! | state | datagrams | TCP |
//! |---|---|---|
//! | up | shaped | shaped |
//! | stalled | wait in the queue, dropped if it is full | wait |
//! | cut | vanish | wait; reset if it lasts over [`TCP_CUT_RESET`](crate::limits::TCP_CUT_RESET) |
//! | down | vanish | reset at once, as a system does when the address goes |

mod link;
pub mod pipe;
mod tcp;
mod udp;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::profile::Profile;

pub use link::{LinkCounters, LinkHandle, LinkState};

/// A link to be relayed.
#[derive(Debug, Clone)]
pub struct LinkSpec {
    /// Sockets bound to this address use the link.
    pub source: Ipv4Addr,
    /// Where the gateway sees it come from.
    pub upstream: Ipv4Addr,
    /// Its shape at the start.
    pub profile: Profile,
    /// Its state at the start.
    pub state: LinkState,
}

/// Where the gateway listens at present; `None`: nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upstream {
    /// UDP.
    pub quic: Option<SocketAddr>,
    /// TCP.
    pub tls: Option<SocketAddr>,
}

/// A running relay. Ends when dropped.
#[derive(Debug)]
pub struct Relay {
    quic: SocketAddr,
    tls: SocketAddr,
    links: Vec<LinkHandle>,
    upstream: watch::Sender<Upstream>,
    // Dropped with the relay, and every task with it.
    _tasks: JoinSet<()>,
}

/// Which link a source address is.
type LinkTable = Arc<HashMap<IpAddr, LinkHandle>>;

impl Relay {
    /// Listens on free ports of 127.0.0.1 and carries these links. `seed`
    /// decides which datagrams are lost.
    pub async fn start(specs: &[LinkSpec], seed: u64) -> io::Result<Self> {
        let started = Instant::now();
        let udp = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (quic, tls) = (udp.local_addr()?, tcp.local_addr()?);

        let (upstream, upstream_seen) = watch::channel(Upstream::default());
        let mut tasks = JoinSet::new();
        let mut links = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let seed = seed.wrapping_add(2 * index as u64);
            links.push(LinkHandle::start(spec, seed, started, &mut tasks));
        }
        let table: LinkTable = Arc::new(
            specs
                .iter()
                .zip(&links)
                .map(|(spec, link)| (IpAddr::V4(spec.source), link.clone()))
                .collect(),
        );
        tasks.spawn(udp::serve(udp, Arc::clone(&table), upstream_seen.clone()));
        tasks.spawn(tcp::serve(tcp, table, upstream_seen));
        Ok(Self {
            quic,
            tls,
            links,
            upstream,
            _tasks: tasks,
        })
    }

    /// Where handsets send QUIC.
    #[must_use]
    pub const fn quic(&self) -> SocketAddr {
        self.quic
    }

    /// Where handsets connect with TLS.
    #[must_use]
    pub const fn tls(&self) -> SocketAddr {
        self.tls
    }

    /// The links, in the order given.
    #[must_use]
    pub fn links(&self) -> &[LinkHandle] {
        &self.links
    }

    /// The gateway listens there from now on.
    pub fn set_upstream(&self, upstream: Upstream) {
        self.upstream.send_replace(upstream);
    }
}
