//! How soon a handset is back after its link changed under a live QUIC session,
//! with real daemons, a real gateway and shaped links.
//!
//! ```text
//! cargo build --release -p twined -p twine-gateway -p twine-bench
//! target/release/handover [TIMES] [--check]
//! ```
//!
//! A handset loses one link and gets another at the same moment, and both handsets
//! send. Counted from there, in round trips of the new link above the time that bytes
//! take on it:
//!
//! - *from*: until the moved handset's own message is with the other handset, which
//!   is a little later than its acceptance by the gateway; the budget is 1.5 round
//!   trips, 50 ms, and what the message's own bytes take on the way up;
//! - *told*: until the moved handset knows of the acceptance. No budget of its own:
//!   quinn sends nothing to a new path before that has answered a challenge, two
//!   round trips after the move;
//! - *to*: until a message of the other handset has arrived at the moved one; the
//!   budget is 2.5 round trips, 50 ms, and what all bytes of a move take, both ways.
//!
//! What is above its budget in the median is marked; with `--check` that is a failure. The
//! median, because what else the machine does is in the rest.
//!
//! Exit status: 0 done, 1 it broke or the check failed.
#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};
use twine_control::{Client, pb};
use twine_lab::binaries::Binaries;
use twine_lab::mobile::plan::{Coverage, SLOTS};
use twine_lab::profile::{self, Bottleneck, Profile};
use twine_lab::relay::LinkState;
use twine_lab::scenario::{HandsetPlan, LinkPlan, default_cards, default_operator};
use twine_lab::world::{World, WorldPlan};
use twine_proto::E164;

/// From and to: better, worse, and between equals.
const MOVES: [(&str, &str); 7] = [
    ("wifi", "lte"),
    ("lte", "wifi"),
    ("lte", "3g-average"),
    ("wifi", "edge-good"),
    ("wifi", "2g-rural"),
    ("edge-good", "lte"),
    ("3g-average", "edge-good"),
];
const OLD: &str = "old";
const NEW: &str = "new";
const NUMBERS: [&str; 2] = ["+254712345678", "+2348031234567"];
/// Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Before a move: whatever the last one left in queues is over.
const REST: Duration = Duration::from_millis(1500);
/// Bytes of a move and an exchange over QUIC, IP headers included: the figures of
/// `twined`'s transport documentation, with a short message for the ping.
const BYTES_UP: u64 = 1_301 + 4 * 28 + 60;
const BYTES_DOWN: u64 = 2_459 + 3 * 28 + 60;
/// Of these the moved handset's own message: one packet with IP, UDP and QUIC headers.
const BYTES_OWN: u64 = 60 + 28 + 30;
const ALLOWED: Duration = Duration::from_millis(50);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let (mut times, mut check) = (10, false);
    for arg in std::env::args().skip(1) {
        match arg.parse() {
            Ok(number) if (1..=1000).contains(&number) => times = number,
            _ if arg == "--check" => check = true,
            _ => bail!("{arg}: usage: handover [TIMES] [--check]; TIMES is 1 to 1000"),
        }
    }
    let exe = std::env::current_exe()?;
    let directory = exe.parent().context("a program is in a folder")?;
    let binaries = Binaries::in_directory(directory)?;
    println!(
        "{:<24} {:>5} {:>5} {:>5} | {:>6} {:>6} {:>7} | {:>6} {:>6} | {:>6} {:>6} {:>7}",
        "", "rtt", "own", "bytes", "from", "p90", "budget", "told", "p90", "to", "p90", "budget"
    );
    println!("{times} moves each; milliseconds: median and p90");
    let mut over = Vec::new();
    for (from, to) in MOVES {
        let (from, to) = (load(from)?, load(to)?);
        let measured = measure(&binaries, &from, &to, times).await?;
        over.extend(report(&from, &to, measured));
    }
    if !check {
        return Ok(ExitCode::SUCCESS);
    }
    for what in &over {
        println!("does not hold: {what}");
    }
    if over.is_empty() {
        println!("holds: every move within its budget");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn load(id: &str) -> Result<Profile> {
    Ok(profile::load(id, Path::new("."))?)
}

/// Of each move.
#[derive(Debug, Default)]
struct Measured {
    from: Vec<Duration>,
    told: Vec<Duration>,
    to: Vec<Duration>,
}

/// Prints a line; returns what is over its budget.
fn report(from: &Profile, to: &Profile, mut measured: Measured) -> Vec<String> {
    let rtt = to.up.delay + to.down.delay;
    let up = carrying(&to.up.bottleneck, BYTES_UP);
    let down = carrying(&to.down.bottleneck, BYTES_DOWN);
    let own_bytes = carrying(&to.up.bottleneck, BYTES_OWN);
    let ms = |time: Duration| time.as_millis();
    let columns = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 100];
        (at(50), at(90))
    };
    let name = format!("{} -> {}", from.id, to.id);
    let mut over = Vec::new();
    let mut within = |what: &str, times: &mut Vec<Duration>, round_trips: f64, bytes: Duration| {
        let (median, p90) = columns(times);
        let budget = rtt.mul_f64(round_trips) + ALLOWED + bytes;
        let (median, p90, budget) = (ms(median), ms(p90), ms(budget));
        let mark = if median > budget { "!" } else { " " };
        if median > budget {
            over.push(format!("{name}, {what}: {median} ms, more than {budget}"));
        }
        format!("{median:>6} {p90:>6} {budget:>6}{mark}")
    };
    let own = within("from", &mut measured.from, 1.5, own_bytes);
    let other = within("to", &mut measured.to, 2.5, up + down);
    let (told, told_p90) = columns(&mut measured.told);
    println!(
        "{name:<24} {:>5} {:>5} {:>5} | {own} | {:>6} {:>6} | {other}",
        ms(rtt),
        ms(own_bytes),
        ms(up + down),
        ms(told),
        ms(told_p90),
    );
    over
}

/// How long so many bytes are on the air.
fn carrying(bottleneck: &Bottleneck, bytes: u64) -> Duration {
    match bottleneck {
        Bottleneck::Rate { bits_per_s } => {
            Duration::from_secs_f64(bytes as f64 * 8.0 / *bits_per_s as f64)
        }
        Bottleneck::Trace(_) => Duration::ZERO,
    }
}

async fn measure(
    binaries: &Binaries,
    from: &Profile,
    to: &Profile,
    times: u32,
) -> Result<Measured> {
    let directory = tempfile::tempdir()?;
    let mut world = start(binaries, directory.path(), from, to).await?;
    world.register_all().await?;
    let amina = subscribe(&mut world, 0).await?;
    let bello = subscribe(&mut world, 1).await?;
    let mut measured = Measured::default();
    for number in 0..times {
        live_over(&amina, OLD).await?;
        sleep(REST).await;
        let radio = world.handsets()[0].radio();
        radio.set_link(0, LinkState::Down).await;
        radio.set_link(1, LinkState::Up).await;
        let moved = Instant::now();
        let (own, _) = tokio::try_join!(
            amina.ask(send(NUMBERS[1], number)),
            bello.ask(send(NUMBERS[0], number)),
        )?;
        let all = async { tokio::try_join!(both(&amina, own.message_id), received(&bello)) };
        let ((told, to), from) = timeout(PATIENCE, all)
            .await
            .context("nothing came after a move")??;
        measured.from.push(from.duration_since(moved));
        measured.told.push(told.duration_since(moved));
        measured.to.push(to.duration_since(moved));
        live_over(&amina, NEW).await?;
        radio.set_link(0, LinkState::Up).await;
        radio.set_link(1, LinkState::Down).await;
    }
    drop((amina, bello));
    world.stop().await?;
    Ok(measured)
}

/// When a message came.
async fn received(app: &Client) -> Result<Instant> {
    while app.next_event().await?.kind() != pb::EventKind::MessageReceived {}
    Ok(Instant::now())
}

/// When this handset was told of its message's acceptance, and when the other's came.
async fn both(app: &Client, own: u64) -> Result<(Instant, Instant)> {
    let (mut accepted, mut arrived) = (None, None);
    loop {
        let event = app.next_event().await?;
        let now = Instant::now();
        let id = event.message.as_ref().map(|message| message.message_id);
        match event.kind() {
            pb::EventKind::MessageReceived => arrived = Some(now),
            pb::EventKind::MessageStateChanged if id == Some(own) && is_accepted(event.state()) => {
                accepted.get_or_insert(now);
            }
            _ => {}
        }
        if let (Some(accepted), Some(arrived)) = (accepted, arrived) {
            return Ok((accepted, arrived));
        }
    }
}

const fn is_accepted(state: pb::MessageState) -> bool {
    matches!(
        state,
        pb::MessageState::Sent | pb::MessageState::Delivered | pb::MessageState::Read
    )
}

fn send(to: &str, number: u32) -> pb::Send {
    pb::Send {
        to: to.to_owned(),
        text: "On my way.".to_owned(),
        token: format!("{to} {number}"),
        ..Default::default()
    }
}

/// Waits until the session is live over a link.
async fn live_over(client: &Client, link: &str) -> Result<()> {
    let live = async {
        loop {
            let session = client.ask(pb::GetStatus {}).await?.session;
            let session = session.unwrap_or_default();
            if session.state == "live" && session.link == link {
                return Ok(());
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, live)
        .await
        .context("no session in time")?
}

async fn subscribe(world: &mut World, handset: usize) -> Result<Client> {
    let roles = [pb::Role::App, pb::Role::Diagnostics];
    let client = world.handset(handset).connect("handover", &roles).await?;
    client.ask(pb::Subscribe { from_now: true }).await?;
    Ok(client)
}

async fn start(
    binaries: &Binaries,
    directory: &Path,
    from: &Profile,
    to: &Profile,
) -> Result<World> {
    let wifi = profile::load("wifi", Path::new("."))?;
    let moving = vec![
        link(OLD, from, LinkState::Up),
        link(NEW, to, LinkState::Down),
    ];
    let still = vec![link(OLD, &wifi, LinkState::Up)];
    let config = "[engine]\ntransports = [\"quic\"]\n".parse()?;
    let plan = WorldPlan {
        binaries,
        directory,
        operators: &[default_operator()],
        handsets: &[handset("amina", 0, moving)?, handset("bello", 1, still)?],
        plain: &[],
        daemon_config: &config,
        seed: 1,
    };
    Ok(World::start(plan).await?)
}

fn handset(name: &str, index: usize, links: Vec<LinkPlan>) -> Result<HandsetPlan> {
    let number: E164 = NUMBERS[index].parse()?;
    Ok(HandsetPlan {
        name: name.to_owned(),
        number,
        cards: default_cards(number, &links),
        coverage: [Coverage::G4; SLOTS],
        data_card: None,
        data_move: Duration::ZERO,
        links,
    })
}

/// Which is better makes no difference here: one is up at a time.
fn link(id: &str, profile: &Profile, state: LinkState) -> LinkPlan {
    LinkPlan {
        id: id.to_owned(),
        kind: pb::LinkKind::Cellular,
        sim_slot: 0,
        metered: false,
        profile: profile.clone(),
        state,
    }
}
