//! Reads and checks a scenario file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use toml::Spanned;
use twine_control::pb::LinkKind;
use twine_proto::E164;

use super::file::{File, Handset, Link};
use super::{HandsetPlan, LinkPlan, PlainPlan, Scenario, Traffic};
use crate::limits::{
    MAX_ACTIONS, MAX_FILE_BYTES, MAX_HANDSETS, MAX_LINKS, MAX_MESSAGES, MAX_RUN_S,
};
use crate::mobile::plan::OperatorPlan;
use crate::profile::{self, Profile};
use crate::relay::LinkState;
use crate::source::{Located, Source};

/// Of 1 to 7 s that phones take.
const DEFAULT_DATA_MOVE: Duration = Duration::from_secs(2);
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
    #[error(transparent)]
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
    let operators = reader.operators(&file)?;
    let handsets = reader.handsets(&file, &operators)?;
    let plain = reader.plain(&file, &handsets, &operators)?;
    let cast = Cast {
        handsets: &handsets,
        plain: &plain,
    };
    let traffic = reader.traffic(&file, cast)?;
    let mut actions = Vec::new();
    for at in &file.at {
        reader.action(at, cast, &mut actions)?;
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
        operators,
        handsets,
        plain,
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

/// Who takes part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) handsets: &'a [HandsetPlan],
    pub(super) plain: &'a [PlainPlan],
}

impl Cast<'_> {
    /// Of all parties.
    fn names(&self) -> String {
        let handsets = self.handsets.iter().map(|handset| &*handset.name);
        let plain = self.plain.iter().map(|plain| &*plain.name);
        handsets.chain(plain).collect::<Vec<_>>().join(", ")
    }

    fn position(&self, name: &str) -> Option<usize> {
        let handsets = self.handsets.iter().map(|handset| &*handset.name);
        let plain = self.plain.iter().map(|plain| &*plain.name);
        handsets.chain(plain).position(|one| one == name)
    }
}

pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    base: &'a Path,
}

impl Reader<'_> {
    fn handsets(
        &self,
        file: &File,
        operators: &[OperatorPlan],
    ) -> Result<Vec<HandsetPlan>, Located> {
        if file.handsets.is_empty() || file.handsets.len() > MAX_HANDSETS {
            let what = format!(
                "{} handsets are not allowed: 1 to {MAX_HANDSETS}, each as [[handset]]",
                file.handsets.len()
            );
            return Err(self.source.at(0..0, what));
        }
        let mut handsets: Vec<HandsetPlan> = Vec::new();
        for handset in &file.handsets {
            let plan = self.handset(handset, operators)?;
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

    fn handset(
        &self,
        whole: &Spanned<Handset>,
        operators: &[OperatorPlan],
    ) -> Result<HandsetPlan, Located> {
        let span = whole.span();
        let handset = whole.get_ref();
        self.name("name", &handset.name)?;
        let number = self.number(&handset.number)?;
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
        let cards = self.cards(whole, number, &links, operators)?;
        Ok(HandsetPlan {
            name: handset.name.get_ref().clone(),
            number,
            data_card: self.data_card(handset, &cards)?,
            data_move: match &handset.data_move_s {
                Some(time) => self.time("data_move_s", time)?,
                None => DEFAULT_DATA_MOVE,
            },
            cards,
            coverage: self.coverage(&handset.coverage)?,
            links,
        })
    }

    pub(super) fn number(&self, number: &Spanned<String>) -> Result<E164, Located> {
        number.get_ref().parse().map_err(|error| {
            let what = format!("number = \"{}\": {error}", number.get_ref());
            self.source.at(number.span(), what)
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

    fn traffic(&self, file: &File, cast: Cast<'_>) -> Result<Vec<Traffic>, Located> {
        let mut all = Vec::new();
        for entry in &file.traffic {
            let from = self.party(&entry.from, cast)?;
            let to = self.party(&entry.to, cast)?;
            if from == to {
                let what = "a handset cannot send to itself".to_owned();
                return Err(self.source.at(entry.to.span(), what));
            }
            if from.min(to) >= cast.handsets.len() {
                let what = "both are plain phones: one of them needs Twine".to_owned();
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

    pub(super) fn handset_index(
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

    pub(super) fn party(&self, name: &Spanned<String>, cast: Cast<'_>) -> Result<usize, Located> {
        cast.position(name.get_ref()).ok_or_else(|| {
            let what = format!(
                "there is no handset \"{}\": one of {}",
                name.get_ref(),
                cast.names()
            );
            self.source.at(name.span(), what)
        })
    }

    pub(super) fn profile(&self, id: &Spanned<String>) -> Result<Profile, Located> {
        profile::load(id.get_ref(), self.base).map_err(|error| {
            let mut what = error.to_string();
            if let Some(cause) = std::error::Error::source(&error) {
                what = format!("{what}: {cause}");
            }
            self.source.at(id.span(), what)
        })
    }

    pub(super) fn name(&self, key: &str, name: &Spanned<String>) -> Result<(), Located> {
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

    pub(super) fn time(&self, key: &str, seconds: &Spanned<f64>) -> Result<Duration, Located> {
        let seconds = self
            .source
            .within(key, seconds, 0.0, MAX_RUN_S, "seconds")?;
        Ok(Duration::from_secs_f64(seconds))
    }

    pub(super) fn twice(&self, what: &str, word: &Spanned<String>) -> Located {
        let what = format!("the {what} \"{}\" is there twice", word.get_ref());
        self.source.at(word.span(), what)
    }
}

pub(super) fn names(handsets: &[HandsetPlan]) -> String {
    let names: Vec<_> = handsets.iter().map(|handset| &*handset.name).collect();
    names.join(", ")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
