//! Reads and checks a scenario file.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use toml::Spanned;
use twine_control::pb::LinkKind;
use twine_proto::E164;

use super::file::{At, File, Handset, Link};
use super::{Action, HandsetPlan, LinkPlan, Process, Scenario, Traffic, What};
use crate::limits::{
    MAX_ACTIONS, MAX_FILE_BYTES, MAX_HANDSETS, MAX_LINKS, MAX_MESSAGES, MAX_RUN_S,
};
use crate::profile::{self, Profile};
use crate::relay::LinkState;
use crate::source::{Located, Source};

/// Down time of a killed process where the scenario does not say.
const RESTART_AFTER: Duration = Duration::from_secs(1);
/// Longest name of a handset or link: it becomes part of paths.
const MAX_NAME_BYTES: usize = 24;

/// Why a scenario cannot be run.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{0}")]
    Wrong(#[from] Located),
}

/// Reads and checks a scenario. Paths in it are relative to its folder.
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    let source =
        Source::read(path, MAX_FILE_BYTES).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    let base = path.parent().unwrap_or(Path::new("."));
    Ok(check(&source, base)?)
}

fn check(source: &Source, base: &Path) -> Result<Scenario, Located> {
    let file: File = source.parse()?;
    let reader = Reader { source, base };
    let handsets = reader.handsets(&file)?;
    let traffic = reader.traffic(&file, &handsets)?;
    let mut actions = Vec::new();
    for at in &file.at {
        reader.action(at, &handsets, &mut actions)?;
    }
    if actions.len() > MAX_ACTIONS {
        let what = format!("more than {MAX_ACTIONS} actions");
        return Err(source.at(0..0, what));
    }
    actions.sort_by_key(|action| action.at);
    let scenario = Scenario {
        name: file.name,
        seed: file.seed,
        give_up: reader.time("give_up_s", &file.give_up_s)?,
        daemon_config: file.daemon,
        handsets,
        traffic,
        actions,
    };
    let end = scenario.planned_end();
    if scenario.give_up <= end {
        return Err(source.at(
            file.give_up_s.span(),
            format!(
                "give_up_s = {} is not allowed: the plan itself lasts until {:.1}",
                file.give_up_s.get_ref(),
                end.as_secs_f64()
            ),
        ));
    }
    Ok(scenario)
}

struct Reader<'a> {
    source: &'a Source,
    base: &'a Path,
}

impl Reader<'_> {
    fn handsets(&self, file: &File) -> Result<Vec<HandsetPlan>, Located> {
        if file.handsets.is_empty() || file.handsets.len() > MAX_HANDSETS {
            let what = format!(
                "{} handsets are not allowed: 1 to {MAX_HANDSETS}, each as [[handset]]",
                file.handsets.len()
            );
            return Err(self.source.at(0..0, what));
        }
        let mut handsets: Vec<HandsetPlan> = Vec::new();
        for handset in &file.handsets {
            let plan = self.handset(handset)?;
            let handset = handset.get_ref();
            if handsets.iter().any(|other| other.name == plan.name) {
                return Err(self.twice("handset", &handset.name));
            }
            if handsets.iter().any(|other| other.number == plan.number) {
                return Err(self.twice("number", &handset.number));
            }
            handsets.push(plan);
        }
        Ok(handsets)
    }

    fn handset(&self, handset: &Spanned<Handset>) -> Result<HandsetPlan, Located> {
        let span = handset.span();
        let handset = handset.get_ref();
        self.name("name", &handset.name)?;
        let number: E164 = handset.number.get_ref().parse().map_err(|error| {
            self.source.at(
                handset.number.span(),
                format!("number = \"{}\": {error}", handset.number.get_ref()),
            )
        })?;
        if handset.links.is_empty() || handset.links.len() > MAX_LINKS {
            let what = format!(
                "{} links are not allowed: 1 to {MAX_LINKS}, each as [[handset.link]]",
                handset.links.len()
            );
            return Err(self.source.at(span, what));
        }
        let mut links: Vec<LinkPlan> = Vec::new();
        for link in &handset.links {
            if links.iter().any(|other| other.id == *link.id.get_ref()) {
                return Err(self.twice("link", &link.id));
            }
            links.push(self.link(link)?);
        }
        Ok(HandsetPlan {
            name: handset.name.get_ref().clone(),
            number,
            links,
        })
    }

    fn link(&self, link: &Link) -> Result<LinkPlan, Located> {
        self.name("id", &link.id)?;
        let kind = self.source.one_of(
            "kind",
            &link.kind,
            &[
                ("cellular", LinkKind::Cellular),
                ("wifi", LinkKind::Wifi),
                ("ethernet", LinkKind::Ethernet),
            ],
        )?;
        let sim_slot = match &link.sim_slot {
            Some(slot) if kind != LinkKind::Cellular => {
                let what = "sim_slot is allowed with kind = \"cellular\" only".to_owned();
                return Err(self.source.at(slot.span(), what));
            }
            Some(slot) => self.source.within("sim_slot", slot, 0, 1, "")?,
            None => 0,
        };
        Ok(LinkPlan {
            id: link.id.get_ref().clone(),
            kind,
            sim_slot,
            metered: link.metered.unwrap_or(kind == LinkKind::Cellular),
            profile: self.profile(&link.profile)?,
            state: if link.up {
                LinkState::Up
            } else {
                LinkState::Down
            },
        })
    }

    fn traffic(&self, file: &File, handsets: &[HandsetPlan]) -> Result<Vec<Traffic>, Located> {
        let mut all = Vec::new();
        for entry in &file.traffic {
            let from = self.handset_index(&entry.from, handsets)?;
            let to = self.handset_index(&entry.to, handsets)?;
            if from == to {
                let what = "a handset cannot send to itself".to_owned();
                return Err(self.source.at(entry.to.span(), what));
            }
            let count = self
                .source
                .within("count", &entry.count, 1, MAX_MESSAGES, "")?;
            let traffic = Traffic {
                from,
                to,
                count,
                start: self.time("start_s", &entry.start_s)?,
                every: self.time("every_s", &entry.every_s)?,
                burst: self.source.within("burst", &entry.burst, 1, count, "")?,
            };
            if entry.both_ways {
                all.push(Traffic {
                    from: to,
                    to: from,
                    ..traffic.clone()
                });
            }
            all.push(traffic);
        }
        let count: u64 = all.iter().map(|traffic| traffic.count).sum();
        if count > MAX_MESSAGES {
            let what = format!("{count} messages are not allowed: at most {MAX_MESSAGES} in all");
            return Err(self.source.at(0..0, what));
        }
        Ok(all)
    }

    /// One entry becomes one action, and a second one that undoes it.
    fn action(
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

    fn handset_index(
        &self,
        name: &Spanned<String>,
        handsets: &[HandsetPlan],
    ) -> Result<usize, Located> {
        handsets
            .iter()
            .position(|handset| handset.name == *name.get_ref())
            .ok_or_else(|| {
                let what = format!(
                    "there is no handset \"{}\": one of {}",
                    name.get_ref(),
                    names(handsets)
                );
                self.source.at(name.span(), what)
            })
    }

    fn profile(&self, id: &Spanned<String>) -> Result<Profile, Located> {
        profile::load(id.get_ref(), self.base).map_err(|error| {
            let mut what = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                what = format!("{what}: {cause}");
            }
            self.source.at(id.span(), what)
        })
    }

    fn name(&self, key: &str, name: &Spanned<String>) -> Result<(), Located> {
        let text = name.get_ref();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = !text.is_empty() && text.len() <= MAX_NAME_BYTES;
        if fits && text.bytes().all(allowed) {
            return Ok(());
        }
        let what = format!(
            "{key} = \"{text}\" is not allowed: 1 to {MAX_NAME_BYTES} lower-case letters and digits"
        );
        Err(self.source.at(name.span(), what))
    }

    fn time(&self, key: &str, seconds: &Spanned<f64>) -> Result<Duration, Located> {
        let seconds = self
            .source
            .within(key, seconds, 0.0, MAX_RUN_S, "seconds")?;
        Ok(Duration::from_secs_f64(seconds))
    }

    fn twice(&self, what: &str, word: &Spanned<String>) -> Located {
        let what = format!("the {what} \"{}\" is there twice", word.get_ref());
        self.source.at(word.span(), what)
    }
}

fn names(handsets: &[HandsetPlan]) -> String {
    let names: Vec<_> = handsets.iter().map(|handset| &*handset.name).collect();
    names.join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"name = "two"
give_up_s = 60.0
[[handset]]
name = "amina"
number = "+254712345678"
[[handset.link]]
id = "lte"
kind = "cellular"
profile = "lte"
[[handset]]
name = "bello"
number = "+2348031234567"
[[handset.link]]
id = "wifi"
kind = "wifi"
profile = "wifi"
[[traffic]]
from = "amina"
to = "bello"
both_ways = true
count = 10
burst = 2
start_s = 1.0
every_s = 0.5
[[at]]
s = 5.0
do = "cut"
handset = "amina"
link = "lte"
for_s = 2.0
[[at]]
s = 4.0
do = "kill_gateway"
"#;

    fn read(text: &str) -> Result<Scenario, Located> {
        let source = Source::new("s.toml".to_owned(), text.to_owned());
        check(&source, Path::new("/"))
    }

    fn wrong(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_good_scenario_is_read_and_ordered_by_time() {
        let scenario = read(GOOD).unwrap();
        assert_eq!(scenario.messages(), 20);
        assert_eq!(scenario.planned_end(), Duration::from_secs(7));
        let whats: Vec<_> = scenario
            .actions
            .iter()
            .map(|action| (action.at.as_secs(), &action.what))
            .collect();
        let link = |state| What::Link {
            handset: 0,
            link: 0,
            state,
        };
        assert_eq!(
            whats,
            [
                (4, &What::Kill(Process::Gateway)),
                (5, &link(LinkState::Cut)),
                (5, &What::Start(Process::Gateway)),
                (7, &link(LinkState::Up)),
            ]
        );
    }

    #[test]
    fn errors_say_where_and_what_is_allowed() {
        let cases = [
            (
                "profile = \"lte\"",
                "profile = \"5g\"",
                "s.toml:9:11: there is no profile \"5g\"; allowed are 2g-rural, ",
            ),
            (
                "do = \"cut\"",
                "do = \"explode\"",
                "s.toml:27:6: do = \"explode\" is not allowed: one of link_up, ",
            ),
            (
                "to = \"bello\"",
                "to = \"chidi\"",
                "s.toml:19:6: there is no handset \"chidi\": one of amina, bello",
            ),
            (
                "link = \"lte\"",
                "link = \"umts\"",
                "s.toml:29:8: link = \"umts\" is not allowed: amina has lte",
            ),
            (
                "link = \"lte\"\n",
                "",
                "s.toml:25:1: do = \"cut\" needs link, one of lte",
            ),
            (
                "\"+254712345678\"",
                "\"0712345678\"",
                "s.toml:5:10: number = \"0712345678\": a phone number must be in international form",
            ),
            (
                "burst = 2",
                "burst = 11",
                "s.toml:22:9: burst = 11 is not allowed: 1 to 10",
            ),
            (
                "give_up_s = 60.0",
                "give_up_s = 5.0",
                "s.toml:2:13: give_up_s = 5 is not allowed: the plan itself lasts until 7.0",
            ),
            (
                "do = \"kill_gateway\"",
                "do = \"kill_gateway\"\nlink = \"lte\"",
                "s.toml:34:8: link is not allowed with do = \"kill_gateway\"",
            ),
            (
                "both_ways = true",
                "both = true",
                "s.toml:20:1: unknown field `both`, expected one of",
            ),
            (
                "\"bello\"\nnumber",
                "\"amina\"\nnumber",
                "s.toml:11:8: the handset \"amina\" is there twice",
            ),
            (
                "s = 5.0",
                "s = -1.0",
                "s.toml:26:5: s = -1 is not allowed: 0 to 86400 seconds",
            ),
            (
                "id = \"wifi\"",
                "id = \"../x\"",
                "s.toml:14:6: id = \"../x\" is not allowed: 1 to 24",
            ),
        ];
        for (from, to, expected) in cases {
            let error = wrong(from, to);
            assert!(error.starts_with(expected), "{to}: {error}");
        }
    }
}
