//! The timeline of a scenario file: words to actions.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::file::At;
use super::read::{Reader, names};
use super::{Action, HandsetPlan, Process, What};
use crate::relay::LinkState;
use crate::source::Located;

/// Down time of a killed process where the scenario does not say.
const RESTART_AFTER: Duration = Duration::from_secs(1);
impl Reader<'_> {
    /// One entry becomes one action, and a second one that undoes it.
    pub(super) fn action(
        &self,
        at: &Spanned<At>,
        handsets: &[HandsetPlan],
        actions: &mut Vec<Action>,
    ) -> Result<(), Located> {
        let span = at.span();
        let at = at.get_ref();
        let start = self.time("s", &at.s)?;
        let verb = self.source.one_of("do", &at.r#do, &VERBS)?;
        let lasts = match &at.for_s {
            Some(for_s) => Some(self.time("for_s", for_s)?),
            None => None,
        };
        self.reject_unused(at, verb)?;
        let (what, undo) = match verb {
            Verb::Link(state) => {
                let (handset, link) = self.link_index(at, &span, handsets)?;
                let to = |state| What::Link {
                    handset,
                    link,
                    state,
                };
                let undo = match state {
                    LinkState::Up => LinkState::Down,
                    LinkState::Down | LinkState::Stalled | LinkState::Cut => LinkState::Up,
                };
                (to(state), lasts.map(|lasts| (lasts, to(undo))))
            }
            Verb::Profile => {
                let (handset, link) = self.link_index(at, &span, handsets)?;
                let profile = at.profile.as_ref().ok_or_else(|| {
                    let what = "do = \"profile\" needs profile = \"…\"".to_owned();
                    self.source.at(span.clone(), what)
                })?;
                let profile = Box::new(self.profile(profile)?);
                let what = What::Profile {
                    handset,
                    link,
                    profile,
                };
                (what, None)
            }
            Verb::Process(which, pause) => {
                let process = match which {
                    Which::Gateway => Process::Gateway,
                    Which::Daemon => Process::Daemon(self.needed_handset(at, &span, handsets)?),
                };
                let lasts = lasts.unwrap_or(RESTART_AFTER);
                if pause {
                    (What::Pause(process), Some((lasts, What::Resume(process))))
                } else {
                    (What::Kill(process), Some((lasts, What::Start(process))))
                }
            }
        };
        actions.push(Action { at: start, what });
        if let Some((lasts, what)) = undo {
            actions.push(Action {
                at: start + lasts,
                what,
            });
        }
        Ok(())
    }

    /// A key that would change nothing is a mistake of the writer.
    fn reject_unused(&self, at: &At, verb: Verb) -> Result<(), Located> {
        let (handset, link, profile, for_s) = match verb {
            Verb::Link(_) => (true, true, false, true),
            Verb::Profile => (true, true, true, false),
            Verb::Process(Which::Daemon, _) => (true, false, false, true),
            Verb::Process(Which::Gateway, _) => (false, false, false, true),
        };
        let keys = [
            ("handset", handset, at.handset.as_ref().map(Spanned::span)),
            ("link", link, at.link.as_ref().map(Spanned::span)),
            ("profile", profile, at.profile.as_ref().map(Spanned::span)),
            ("for_s", for_s, at.for_s.as_ref().map(Spanned::span)),
        ];
        for (key, used, span) in keys {
            if let (false, Some(span)) = (used, span) {
                let verb = at.r#do.get_ref();
                let what = format!("{key} is not allowed with do = \"{verb}\"");
                return Err(self.source.at(span, what));
            }
        }
        Ok(())
    }

    fn link_index(
        &self,
        at: &At,
        span: &Range<usize>,
        handsets: &[HandsetPlan],
    ) -> Result<(usize, usize), Located> {
        let handset = self.needed_handset(at, span, handsets)?;
        let links = &handsets[handset].links;
        let ids = || {
            let ids: Vec<_> = links.iter().map(|link| link.id.as_str()).collect();
            ids.join(", ")
        };
        let Some(id) = &at.link else {
            let what = format!(
                "do = \"{}\" needs link, one of {}",
                at.r#do.get_ref(),
                ids()
            );
            return Err(self.source.at(span.clone(), what));
        };
        let link = links
            .iter()
            .position(|link| link.id == *id.get_ref())
            .ok_or_else(|| {
                let what = format!(
                    "link = \"{}\" is not allowed: {} has {}",
                    id.get_ref(),
                    handsets[handset].name,
                    ids()
                );
                self.source.at(id.span(), what)
            })?;
        Ok((handset, link))
    }

    fn needed_handset(
        &self,
        at: &At,
        span: &Range<usize>,
        handsets: &[HandsetPlan],
    ) -> Result<usize, Located> {
        match &at.handset {
            Some(name) => self.handset_index(name, handsets),
            None => {
                let what = format!(
                    "do = \"{}\" needs handset, one of {}",
                    at.r#do.get_ref(),
                    names(handsets)
                );
                Err(self.source.at(span.clone(), what))
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Link(LinkState),
    Profile,
    /// Killed, or only paused.
    Process(Which, bool),
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Daemon,
    Gateway,
}

const VERBS: [(&str, Verb); 9] = [
    ("link_up", Verb::Link(LinkState::Up)),
    ("link_down", Verb::Link(LinkState::Down)),
    ("stall", Verb::Link(LinkState::Stalled)),
    ("cut", Verb::Link(LinkState::Cut)),
    ("profile", Verb::Profile),
    ("kill_daemon", Verb::Process(Which::Daemon, false)),
    ("kill_gateway", Verb::Process(Which::Gateway, false)),
    ("pause_daemon", Verb::Process(Which::Daemon, true)),
    ("pause_gateway", Verb::Process(Which::Gateway, true)),
];
