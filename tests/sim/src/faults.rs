//! What goes wrong in one world: each seed draws its own mix and intensity, so
//! that some worlds are calm in most respects and wild in one (swarm testing).

use crate::rng::Rng;

/// The mix of one seed. Means are in milliseconds; 0: never.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Handsets in this world.
    pub handsets: usize,
    /// Mean pause between messages of one handset.
    pub send_every_ms: u64,
    /// One in so many sends gets a validity, of 1 to 120 s.
    pub validity_one_in: u64,
    /// One in so many sends is cancelled soon after.
    pub cancel_one_in: u64,
    /// One in so many received messages is marked as read.
    pub read_one_in: u64,
    /// One in so many failures is retried by the user.
    pub retry_one_in: u64,
    /// Mean time between changes of one link.
    pub link_flap_ms: u64,
    /// Longest hole without a link.
    pub link_down_max_ms: u64,
    /// One link in so many eats UDP.
    pub udp_blocked_one_in: u64,
    /// Mean time between resets of a live connection.
    pub reset_ms: u64,
    /// Mean time between kills of a daemon.
    pub kill_ms: u64,
    /// One in so many outputs is the last one before a crash.
    pub crash_at_output_one_in: u64,
    /// One in so many kills is a dead battery: a new boot.
    pub reboot_one_in: u64,
    /// Mean time between kills of the gateway.
    pub gateway_kill_ms: u64,
    /// One in so many commits of the gateway fails.
    pub gateway_commit_one_in: u64,
    /// Mean time between restores of the gateway from a backup, at most a minute
    /// old.
    pub gateway_restore_ms: u64,
    /// Mean time between pauses of a handset's process (suspend).
    pub suspend_ms: u64,
    /// Longest commit of a handset's store.
    pub slow_store_ms: u64,
    /// Mean time between deaths of the app.
    pub app_death_ms: u64,
    /// Links are as slow as 2G.
    pub slow_links: bool,
    /// One in so many frames is lost and repeated by the transport.
    pub loss_one_in: u64,
}

impl Faults {
    /// Draws a mix.
    pub fn draw(rng: &mut Rng) -> Self {
        let often = |rng: &mut Rng, percent: u64, low: u64, high: u64| {
            if rng.percent(percent) {
                rng.range(low, high)
            } else {
                0
            }
        };
        Self {
            handsets: if rng.percent(80) {
                2
            } else {
                usize::try_from(rng.range(3, 4)).unwrap_or(3)
            },
            send_every_ms: rng.range(500, 8_000),
            validity_one_in: often(rng, 40, 2, 20),
            cancel_one_in: often(rng, 40, 3, 20),
            read_one_in: often(rng, 60, 1, 10),
            retry_one_in: often(rng, 60, 1, 3),
            link_flap_ms: often(rng, 70, 3_000, 120_000),
            link_down_max_ms: rng.range(500, 90_000),
            udp_blocked_one_in: often(rng, 20, 1, 4),
            reset_ms: often(rng, 40, 2_000, 60_000),
            kill_ms: often(rng, 50, 5_000, 120_000),
            crash_at_output_one_in: often(rng, 40, 20, 800),
            reboot_one_in: often(rng, 50, 1, 6),
            gateway_kill_ms: often(rng, 40, 10_000, 200_000),
            gateway_commit_one_in: often(rng, 20, 20, 400),
            gateway_restore_ms: often(rng, 20, 30_000, 300_000),
            suspend_ms: often(rng, 40, 10_000, 120_000),
            slow_store_ms: if rng.percent(30) {
                rng.range(100, 5_000)
            } else {
                rng.range(1, 30)
            },
            app_death_ms: often(rng, 30, 20_000, 120_000),
            slow_links: rng.percent(30),
            loss_one_in: often(rng, 50, 5, 100),
        }
    }

    /// A world in which nothing goes wrong, one message per `send_every_ms`.
    pub fn none(handsets: usize, send_every_ms: u64) -> Self {
        Self {
            handsets,
            send_every_ms,
            validity_one_in: 0,
            cancel_one_in: 0,
            read_one_in: 0,
            retry_one_in: 0,
            link_flap_ms: 0,
            link_down_max_ms: 0,
            udp_blocked_one_in: 0,
            reset_ms: 0,
            kill_ms: 0,
            crash_at_output_one_in: 0,
            reboot_one_in: 0,
            gateway_kill_ms: 0,
            gateway_commit_one_in: 0,
            gateway_restore_ms: 0,
            suspend_ms: 0,
            slow_store_ms: 5,
            app_death_ms: 0,
            slow_links: false,
            loss_one_in: 0,
        }
    }
}
