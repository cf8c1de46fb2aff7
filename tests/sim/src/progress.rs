//! How far a run is, said on standard error while it goes on. Worlds do not know the
//! time: they count what they have done, and somebody else looks now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(5);

/// What has been done so far.
#[derive(Debug, Default)]
pub struct Progress {
    ended: AtomicU64,
    failed: AtomicU64,
    minutes: AtomicU64,
}

impl Progress {
    /// A world, or whatever is run, has come to its end.
    pub fn ended(&self, failed: bool) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(failed.into(), Ordering::Relaxed);
    }

    /// A world has lived for some more simulated minutes.
    pub fn lived(&self, minutes: u64) {
        self.minutes.fetch_add(minutes, Ordering::Relaxed);
    }

    /// How many have come to their end.
    pub fn done(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Those of them that failed.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Simulated minutes of all worlds, ended or not.
    pub fn minutes(&self) -> u64 {
        self.minutes.load(Ordering::Relaxed)
    }
}

/// Does the work; says every few seconds how far it is, and for how long it goes on.
pub fn saying<T>(line: impl Fn() -> String + Send, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let (working, done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while done.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                twine_out::errln!("{}, {:.0} s", line(), started.elapsed().as_secs_f64());
            }
        });
        let result = work();
        drop(working);
        result
    })
}
