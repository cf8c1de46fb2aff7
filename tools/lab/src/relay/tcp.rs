//! TCP through the relay: it ends here on both sides, and the bytes between
//! travel through the link's pipes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::{Chunk, Part, Way};
use super::{LinkHandle, LinkState, LinkTable, Upstream};
use crate::limits::{
    MAX_TCP_CONNECTIONS, TCP_CHUNK_MIN_BYTES, TCP_CHUNKS, TCP_CUT_RESET, TCP_SEGMENT_BYTES,
    TCP_WINDOW_BYTES,
};

/// Carries connections until dropped.
pub(super) async fn serve(
    listener: TcpListener,
    links: LinkTable,
    upstream: watch::Receiver<Upstream>,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, from)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let link = links
            .get(&from.ip())
            .filter(|link| link.state() != LinkState::Down);
        let Some(link) = link.filter(|_| connections.len() < MAX_TCP_CONNECTIONS) else {
            reset(&stream);
            continue;
        };
        let gateway = upstream.borrow().tls;
        connections.spawn(connect(stream, link.clone(), gateway));
    }
}

async fn connect(handset: TcpStream, link: LinkHandle, gateway: Option<SocketAddr>) {
    match to_gateway(&link, gateway).await {
        Ok(upstream) => carry(handset, upstream, link).await,
        Err(_) => reset(&handset),
    }
}

async fn to_gateway(link: &LinkHandle, gateway: Option<SocketAddr>) -> io::Result<TcpStream> {
    let gateway = gateway.ok_or(io::ErrorKind::ConnectionRefused)?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((link.upstream, 0).into())?;
    socket.connect(gateway).await
}

/// Carries one connection until both directions have ended, or it is reset by
/// either end or by the link.
async fn carry(mut handset: TcpStream, mut gateway: TcpStream, link: LinkHandle) {
    let _ = handset.set_nodelay(true);
    let _ = gateway.set_nodelay(true);
    let carried = {
        let (from_handset, to_handset) = handset.split();
        let (from_gateway, to_gateway) = gateway.split();
        let both = async {
            tokio::try_join!(
                one_way(from_handset, to_gateway, &link, Way::Up),
                one_way(from_gateway, to_handset, &link, Way::Down),
            )
        };
        tokio::select! {
            both = both => both.map(|_| ()),
            () = reset_by(link.watch_state()) => Err(Reset),
        }
    };
    if carried.is_err() {
        reset(&handset);
        reset(&gateway);
    }
}

/// The connection is to end with a reset.
struct Reset;

/// Carries one direction to its end.
async fn one_way(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    link: &LinkHandle,
    way: Way,
) -> Result<(), Reset> {
    let (arrivals, arrived) = mpsc::channel(TCP_CHUNKS);
    tokio::try_join!(read(from, arrivals, link, way), write(to, arrived)).map(|_| ())
}

async fn read(
    mut from: ReadHalf<'_>,
    arrivals: mpsc::Sender<Chunk>,
    link: &LinkHandle,
    way: Way,
) -> Result<(), Reset> {
    let window = Arc::new(Semaphore::new(TCP_WINDOW_BYTES as usize));
    let mut buffer = vec![0; TCP_SEGMENT_BYTES];
    loop {
        // Nothing is read that has no room: the kernel's window pushes back.
        let room = Arc::clone(&window).acquire_many_owned(TCP_SEGMENT_BYTES as u32);
        let mut room = room.await.map_err(|_| Reset)?;
        let part = match from.read(&mut buffer).await {
            Ok(0) => Part::End,
            Ok(size) => Part::Data(Bytes::copy_from_slice(&buffer[..size])),
            Err(_) => Part::Reset,
        };
        if way == Way::Up {
            link.touch();
        }
        let size = part.len().max(TCP_CHUNK_MIN_BYTES as usize);
        // What the chunk does not need is free again at once.
        drop(room.split(TCP_SEGMENT_BYTES - size));
        let last = !matches!(part, Part::Data(_));
        let chunk = Chunk { part, _room: room };
        if !link.chunk(way, arrivals.clone(), chunk).await {
            return Err(Reset);
        }
        if last {
            return Ok(());
        }
    }
}

async fn write(mut to: WriteHalf<'_>, mut arrived: mpsc::Receiver<Chunk>) -> Result<(), Reset> {
    while let Some(chunk) = arrived.recv().await {
        match &chunk.part {
            Part::Data(data) => to.write_all(data).await.map_err(|_| Reset)?,
            Part::End => return to.shutdown().await.map_err(|_| Reset),
            Part::Reset => return Err(Reset),
        }
    }
    Err(Reset)
}

/// Waits for the link to go down, or to stay cut for too long.
async fn reset_by(mut state: watch::Receiver<LinkState>) {
    loop {
        let now = *state.borrow_and_update();
        let changed = match now {
            LinkState::Down => return,
            LinkState::Cut => tokio::select! {
                changed = state.changed() => changed,
                () = sleep(TCP_CUT_RESET) => return,
            },
            LinkState::Up | LinkState::Stalled => state.changed().await,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Ends with a reset instead of an orderly close.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
