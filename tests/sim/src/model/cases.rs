//! What a broken promise is, and how often each promise was put to the test.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;

use crate::world::story::short;

/// A promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which, in plain words.
    pub promise: &'static str,
    /// The message concerned; where there is none, what was seen.
    pub text: String,
}

/// Long texts are shortened.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.promise, short(&self.text))
    }
}

/// The cases in which what a promise speaks of really happened. A promise whose case
/// never comes up says nothing, however many worlds keep it.
#[derive(Debug, Default)]
pub struct Cases {
    counts: RefCell<BTreeMap<&'static str, u64>>,
    paused: Cell<bool>,
}

impl Cases {
    /// The case has come up: the promise holds, or it is broken by `text`.
    pub fn expect(
        &self,
        promise: &'static str,
        holds: bool,
        text: impl fmt::Display,
    ) -> Result<(), Broken> {
        self.count(promise);
        if holds {
            return Ok(());
        }
        Err(Broken {
            promise,
            text: text.to_string(),
        })
    }

    /// The case has come up, and was seen to.
    pub fn count(&self, promise: &'static str) {
        if !self.paused.get() {
            *self.counts.borrow_mut().entry(promise).or_default() += 1;
        }
    }

    /// Asks without counting: whoever waits for rest asks again and again.
    pub fn uncounted<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.paused.set(true);
        let answer = ask();
        self.paused.set(false);
        answer
    }

    /// Takes the counts out.
    pub fn take(&self) -> BTreeMap<&'static str, u64> {
        self.counts.take()
    }
}
