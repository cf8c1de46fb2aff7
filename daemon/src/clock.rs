//! The daemon's clocks: boot time with suspend included (DELIVERY 24), wall
//! time for display, and one timer on boot time that wakes the phone.
//!
//! The only place of the daemon that asks what time it is.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use twine_engine::time::{BootId, Instant, Now, WallTime};

/// Where the kernel names its present run.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Both clocks.
#[must_use]
pub fn now() -> Now {
    Now {
        instant: boot_time(),
        wall: wall_time(),
    }
}

/// Time since boot, suspend included.
#[must_use]
pub fn boot_time() -> Instant {
    let clock = nix::time::ClockId::CLOCK_BOOTTIME;
    // Every kernel since 2.6.39 has this clock, so it cannot fail.
    let time = nix::time::clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    Instant(millis(time))
}

/// The wall clock, which may be wrong and may jump.
#[must_use]
pub fn wall_time() -> WallTime {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallTime(millis(since_1970))
}

/// A duration in whole milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Names this run of the kernel.
///
/// Where it cannot be read, the moment of the boot by the wall clock has to do:
/// a clock that was set meanwhile makes deadlines start again, never end early.
#[must_use]
pub fn boot_id() -> BootId {
    std::fs::read_to_string(BOOT_ID)
        .ok()
        .and_then(|text| parse_boot_id(&text))
        .unwrap_or_else(|| BootId(wall_time().0.saturating_sub(boot_time().0)))
}

/// The first half of a UUID; 64 random bits tell the boots of one phone apart.
fn parse_boot_id(text: &str) -> Option<BootId> {
    let digits: String = text.trim().chars().filter(|&c| c != '-').collect();
    let half = digits.get(..16)?;
    u64::from_str_radix(half, 16).ok().map(BootId)
}

/// One deadline on boot time.
///
/// Costs nothing while no deadline is set, and one wake-up for each that is
/// reached.
#[derive(Debug)]
pub struct Timer {
    fd: AsyncFd<Fd>,
    wakes_from_suspend: bool,
    set_for: Option<Instant>,
}

/// Gives `AsyncFd` what it asks for.
#[derive(Debug)]
struct Fd(TimerFd);

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl AsFd for Fd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Timer {
    /// Makes a timer; must be called in a tokio runtime with I/O.
    pub fn new() -> io::Result<Self> {
        let (fd, wakes_from_suspend) = boot_timer(open_timer)?;
        Self::over(Fd(fd), wakes_from_suspend)
    }

    /// One that never ends a suspend.
    pub fn awake_only() -> io::Result<Self> {
        Self::over(Fd(open_timer(ClockId::CLOCK_BOOTTIME)?), false)
    }

    fn over(fd: Fd, wakes_from_suspend: bool) -> io::Result<Self> {
        #[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor")]
        // SAFETY: `Fd` owns an open descriptor, never exchanges it, and always
        // returns that one.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self {
            fd,
            wakes_from_suspend,
            set_for: None,
        })
    }

    /// Whether a deadline ends a suspend. Where it does not, one that passes in
    /// suspend is reached when the machine is awake again.
    #[must_use]
    pub const fn wakes_from_suspend(&self) -> bool {
        self.wakes_from_suspend
    }

    /// Sets or removes the deadline. One in the past is reached at once.
    pub fn set(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        if deadline == self.set_for {
            return Ok(());
        }
        let timer = &self.fd.get_ref().0;
        match deadline {
            // Zero would switch the timer off.
            Some(Instant(at_ms)) => timer.set(
                Expiration::OneShot(TimeSpec::from(Duration::from_millis(at_ms.max(1)))),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            )?,
            None => timer.unset()?,
        }
        self.set_for = deadline;
        Ok(())
    }

    /// Waits until the deadline is reached; for ever while none is set. It is
    /// reached once, then it has to be set again. Safe to give up.
    pub async fn reached(&mut self) {
        poll_fn(|context| {
            loop {
                let mut ready = match ready!(self.fd.poll_read_ready(context)) {
                    Ok(ready) => ready,
                    // The runtime is shutting down: nothing is waited for.
                    Err(_) => return Poll::Pending,
                };
                let mut expirations = [0; size_of::<u64>()];
                match ready.try_io(|fd| Ok(nix::unistd::read(fd.get_ref(), &mut expirations)?)) {
                    Ok(_) => return Poll::Ready(()),
                    // Set anew since it was reached: wait for the new deadline.
                    Err(_would_block) => {}
                }
            }
        })
        .await;
        self.set_for = None;
    }
}

/// Makes the timer's file descriptor, and says whether it wakes the phone: the
/// one place that decides that. `CLOCK_BOOTTIME_ALARM` does, and takes the
/// capability `CAP_WAKE_ALARM` (timerfd_create(2)); where it is not to be had a
/// deadline that passes in suspend is reached as soon as something else wakes
/// the machine.
fn boot_timer<T>(open: impl Fn(ClockId) -> nix::Result<T>) -> io::Result<(T, bool)> {
    match open(ClockId::CLOCK_BOOTTIME_ALARM) {
        Ok(timer) => Ok((timer, true)),
        // Not allowed to us; or a kernel that has no alarm timers.
        Err(Errno::EPERM | Errno::EINVAL | Errno::EOPNOTSUPP) => {
            Ok((open(ClockId::CLOCK_BOOTTIME)?, false))
        }
        Err(other) => Err(other.into()),
    }
}

fn open_timer(clock: ClockId) -> nix::Result<TimerFd> {
    TimerFd::new(clock, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_id_is_the_first_half_of_the_uuid() {
        let text = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\n";
        assert_eq!(parse_boot_id(text), Some(BootId(0x0f1e_2d3c_4b5a_6978)));
        assert_eq!(parse_boot_id("0f1e"), None);
        assert_eq!(parse_boot_id("not a uuid, nor near"), None);
        assert_eq!(boot_id(), boot_id());
    }

    #[tokio::test]
    async fn a_deadline_is_reached_once_and_not_before() {
        let mut timer = Timer::new().unwrap();
        let start = boot_time();
        timer.set(Some(start + Duration::from_millis(30))).unwrap();
        timer.reached().await;
        assert!(boot_time() >= start + Duration::from_millis(30));

        // The past is reached at once.
        timer.set(Some(Instant(0))).unwrap();
        timer.reached().await;
    }

    #[test]
    fn without_the_capability_it_is_a_timer_that_does_not_wake() {
        for refusal in [Errno::EPERM, Errno::EINVAL, Errno::EOPNOTSUPP] {
            let (clock, wakes) = boot_timer(|clock| match clock {
                ClockId::CLOCK_BOOTTIME_ALARM => Err(refusal),
                other => Ok(other),
            })
            .unwrap();
            assert_eq!((clock, wakes), (ClockId::CLOCK_BOOTTIME, false));
        }
        let (clock, wakes) = boot_timer(Ok).unwrap();
        assert_eq!((clock, wakes), (ClockId::CLOCK_BOOTTIME_ALARM, true));
        // Trouble that is not about alarms is not hidden.
        let opened = boot_timer(|clock| match clock {
            ClockId::CLOCK_BOOTTIME_ALARM => Err(Errno::EMFILE),
            other => Ok(other),
        });
        assert_eq!(
            opened.unwrap_err().raw_os_error(),
            Some(Errno::EMFILE as i32)
        );
    }

    /// Whatever this machine allows: both kinds of timer reach their deadline.
    #[tokio::test]
    async fn a_timer_of_either_kind_is_reached() {
        let plain = Fd(open_timer(ClockId::CLOCK_BOOTTIME).unwrap());
        for mut timer in [Timer::over(plain, false).unwrap(), Timer::new().unwrap()] {
            timer
                .set(Some(boot_time() + Duration::from_millis(1)))
                .unwrap();
            timer.reached().await;
        }
    }

    #[tokio::test]
    async fn a_deadline_taken_back_is_not_reached() {
        let mut timer = Timer::new().unwrap();
        timer.set(Some(Instant(1))).unwrap();
        timer.set(None).unwrap();
        let reached = tokio::time::timeout(Duration::from_millis(20), timer.reached()).await;
        assert!(reached.is_err());
        timer.set(Some(Instant(1))).unwrap();
        timer.reached().await;
    }
}
