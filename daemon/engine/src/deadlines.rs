//! Deadlines of messages. The store knows all of them, the engine the earliest.
//!
//! A deadline nominates, it does not act (DELIVERY 23): the timer sets
//! `nominated`; at the end of the turn, when all that was readable is handled,
//! it is looked at again, and then the store decides, in the batch that holds
//! what the turn's input changed.

use crate::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    next: Option<Instant>,
    /// A look at the store is on its way; the earliest that came since.
    asking: bool,
    since_asking: Option<Instant>,
    nominated: bool,
    /// Not before this.
    grace_until: Instant,
}

impl Deadlines {
    /// A message with this deadline exists.
    pub(crate) fn consider(&mut self, at: Instant) {
        self.next = earliest(self.next, Some(at));
        self.since_asking = earliest(self.since_asking, Some(at));
    }

    /// The store is being asked for the earliest.
    pub(crate) fn ask(&mut self) {
        self.asking = true;
        self.since_asking = None;
    }

    /// The store's answer, which does not know what came since it was asked.
    pub(crate) fn answer(&mut self, next: Option<Instant>) {
        self.asking = false;
        self.next = earliest(next, self.since_asking);
    }

    /// Nothing acts before this.
    pub(crate) fn grace(&mut self, until: Instant) {
        self.grace_until = self.grace_until.max(until);
    }

    /// When to look again.
    pub(crate) fn due(&self) -> Option<Instant> {
        let next = self.next?;
        (!self.asking).then(|| next.max(self.grace_until))
    }

    /// The timer fired.
    pub(crate) fn nominate(&mut self, now: Instant) {
        self.nominated |= self.due().is_some_and(|at| at <= now);
    }

    /// What is due at once needs no timer, unless a grace holds it back.
    pub(crate) fn nominate_if_at_once(&mut self, now: Instant) {
        self.nominated |= self.next == Some(Instant(0)) && self.due().is_some_and(|at| at <= now);
    }

    /// Nothing acts before this.
    pub(crate) fn grace_until(&self) -> Instant {
        self.grace_until
    }

    /// End of the turn: `None` if nothing was nominated, else whether it still
    /// holds.
    pub(crate) fn take_nominated(&mut self, now: Instant) -> Option<bool> {
        std::mem::take(&mut self.nominated).then(|| self.due().is_some_and(|at| at <= now))
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nomination_acts_only_if_it_holds_at_the_end_of_the_turn() {
        let mut deadlines = Deadlines::default();
        deadlines.consider(Instant(100));
        deadlines.nominate(Instant(99));
        assert_eq!(deadlines.take_nominated(Instant(99)), None);
        deadlines.nominate(Instant(100));
        deadlines.grace(Instant(500));
        assert_eq!(deadlines.take_nominated(Instant(100)), Some(false));
        deadlines.nominate(Instant(500));
        assert_eq!(deadlines.take_nominated(Instant(500)), Some(true));
    }

    #[test]
    fn what_is_due_at_once_waits_for_the_end_of_the_grace() {
        let mut deadlines = Deadlines::default();
        deadlines.consider(Instant(0));
        deadlines.grace(Instant(500));
        deadlines.nominate_if_at_once(Instant(499));
        assert_eq!(deadlines.take_nominated(Instant(499)), None);
        deadlines.nominate_if_at_once(Instant(500));
        assert_eq!(deadlines.take_nominated(Instant(500)), Some(true));
    }

    #[test]
    fn what_came_while_the_store_was_asked_is_not_forgotten() {
        let mut deadlines = Deadlines::default();
        deadlines.ask();
        assert_eq!(deadlines.due(), None);
        deadlines.consider(Instant(50));
        deadlines.answer(Some(Instant(80)));
        assert_eq!(deadlines.due(), Some(Instant(50)));
        deadlines.ask();
        deadlines.answer(None);
        assert_eq!(deadlines.due(), None);
    }
}
