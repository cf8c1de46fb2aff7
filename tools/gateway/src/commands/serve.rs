//! `serve`: runs the gateway until SIGTERM or SIGINT.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::GatewayConfig;
use crate::limits::DRAIN_RETRY_S;
use crate::server::Server;

pub(crate) fn run(config: &GatewayConfig, ready_file: Option<&Path>) -> anyhow::Result<()> {
    crate::logging::init(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("twine-net")
        .build()
        .context("cannot start the network threads")?;
    runtime.block_on(serve(config, ready_file))
}

async fn serve(config: &GatewayConfig, ready_file: Option<&Path>) -> anyhow::Result<()> {
    // First of all, so that an early SIGTERM stops in order, too.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let server = Server::start(config).await?;
    let (quic, tls) = (server.quic_address(), server.tls_address());
    if let Some(path) = ready_file {
        write_ready(path, quic, tls)
            .with_context(|| format!("cannot write the ready file {}", path.display()))?;
    }
    twine_out::errln!("listening quic={} tls={}", or_off(quic), or_off(tls));
    tokio::select! {
        _ = terminate.recv() => log::info!("event=draining signal=SIGTERM"),
        _ = interrupt.recv() => log::info!("event=draining signal=SIGINT"),
        () = server.failed() => bail!("the core has stopped by itself; this is a bug"),
    }
    let Some(counters) = server.drain(DRAIN_RETRY_S).await else {
        bail!("the core has stopped by itself; this is a bug");
    };
    let counted: Vec<String> = counters
        .list()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    log::info!("event=stopped {}", counted.join(" "));
    Ok(())
}

fn or_off(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "off".to_owned(), |address| address.to_string())
}

/// Appears whole or not at all.
fn write_ready(
    path: &Path,
    quic: Option<SocketAddr>,
    tls: Option<SocketAddr>,
) -> std::io::Result<()> {
    let text = format!("quic={}\ntls={}\n", or_off(quic), or_off(tls));
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    fs::write(&partial, text)?;
    fs::rename(&partial, path)
}
