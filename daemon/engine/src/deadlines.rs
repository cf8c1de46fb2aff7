//! Deadlines of messages. The store knows all of them, and tells the earliest with
//! each batch: no deadline is forgotten, and none fires for what was settled.
//!
//! A deadline nominates, it does not act (DELIVERY 23): the timer sets
//! `nominated`; at the end of the turn, when all that was readable is handled,
//! it is looked at again, and then the store decides, in the batch that holds
//! what the turn's input changed.

use crate::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    /// The earliest after the last batch.
    next: Option<Instant>,
    /// The store is being asked for what is due.
    asking: bool,
    nominated: bool,
    /// Not before this.
    grace_until: Instant,
}

impl Deadlines {
    /// The earliest after a batch.
    pub(crate) fn known(&mut self, next: Option<Instant>) {
        self.next = next;
    }

    /// The store is being asked for what is due.
    pub(crate) fn ask(&mut self) {
        self.asking = true;
    }

    /// The store's answer. What it named is being acted on: the batch that does so
    /// tells what is due then.
    pub(crate) fn answered(&mut self, named_any: bool) {
        self.asking = false;
        if named_any {
            self.next = None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nomination_acts_only_if_it_holds_at_the_end_of_the_turn() {
        let mut deadlines = Deadlines::default();
        deadlines.known(Some(Instant(100)));
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
        deadlines.known(Some(Instant(0)));
        deadlines.grace(Instant(500));
        deadlines.nominate_if_at_once(Instant(499));
        assert_eq!(deadlines.take_nominated(Instant(499)), None);
        deadlines.nominate_if_at_once(Instant(500));
        assert_eq!(deadlines.take_nominated(Instant(500)), Some(true));
    }

    #[test]
    fn what_is_acted_on_is_not_due_before_its_batch_is_stored() {
        let mut deadlines = Deadlines::default();
        deadlines.known(Some(Instant(50)));
        deadlines.ask();
        deadlines.known(Some(Instant(50)));
        assert_eq!(deadlines.due(), None, "it is being asked for");
        deadlines.answered(true);
        assert_eq!(deadlines.due(), None, "it is being acted on");
        deadlines.known(Some(Instant(80)));
        assert_eq!(deadlines.due(), Some(Instant(80)));
        deadlines.ask();
        deadlines.known(None);
        deadlines.answered(false);
        assert_eq!(deadlines.due(), None);
    }
}
