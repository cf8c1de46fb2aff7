//! What comes of a world: what it did, or why it failed.

use crate::model::Broken;

/// The promise that a panic breaks.
pub(super) const PANIC: &str = "nobody panics";

/// Why a world failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which seed.
    pub seed: u64,
    /// When, world milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: Broken,
}

/// In one line.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (s, ms) = (self.at_ms / 1000, self.at_ms % 1000);
        let Self { seed, what, .. } = self;
        write!(f, "seed {seed} broke a promise after {s}.{ms:03} s: {what}")
    }
}

impl Failure {
    /// The same promise; of panics, at the same place.
    pub fn is_like(&self, other: &Self) -> bool {
        let place = |what: &Broken| what.text.rsplit(" at ").next().map(str::to_owned);
        self.what.promise == other.what.promise
            && (self.what.promise != PANIC || place(&self.what) == place(&other.what))
    }
}

/// What a world did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Messages confirmed to apps.
    pub confirmed: u64,
    /// Messages that reached apps.
    pub received: u64,
    /// Runs of daemons.
    pub runs: u64,
    /// Connections asked for.
    pub connections: u64,
    /// Messages to phones with Twine that an SMS left for.
    pub fell_back: u64,
    /// Parts of SMS that left.
    pub sms_parts: u64,
    /// Of those that fell back: IP delivered them as well.
    pub wasted: u64,
    /// Copies that apps were told are one message.
    pub merged: u64,
    /// The same, taken back.
    pub unmerged: u64,
    /// SMS that moved to their place.
    pub reordered: u64,
    /// Events handled.
    pub events: u64,
    /// World milliseconds until it was at rest.
    pub world_ms: u64,
}

/// In two lines, the second without an end: who prints it knows how long it took.
impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{} messages fell back, {} SMS parts, {} wasted ({:.2} %); {} merged, {} parted \
             again, {} reordered",
            self.fell_back,
            self.sms_parts,
            self.wasted,
            100.0 * self.wasted as f64 / self.fell_back.max(1) as f64,
            self.merged,
            self.unmerged,
            self.reordered,
        )?;
        write!(
            f,
            "{} messages confirmed, {} received, {} daemon runs, {} connections, {} events",
            self.confirmed, self.received, self.runs, self.connections, self.events,
        )
    }
}

impl Summary {
    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        self.confirmed += other.confirmed;
        self.received += other.received;
        self.runs += other.runs;
        self.connections += other.connections;
        self.fell_back += other.fell_back;
        self.sms_parts += other.sms_parts;
        self.wasted += other.wasted;
        self.merged += other.merged;
        self.unmerged += other.unmerged;
        self.reordered += other.reordered;
        self.events += other.events;
        self.world_ms += other.world_ms;
    }
}
