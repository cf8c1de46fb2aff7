//! The timeline of a run: what happens when, and when all is over.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use twine_control::pb::Channel;

use crate::app::Deed;
use crate::journal::{Journal, Topic};
use crate::ledger::Ledger;
use crate::limits::TOLD_GRACE;
use crate::relay::LinkState;
use crate::scenario::{Process, Scenario, What};
use crate::world::{World, WorldError};

/// What the timeline works on.
pub(crate) struct Stage<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) world: &'a mut World,
    pub(crate) ledger: &'a Ledger,
    pub(crate) journal: &'a Journal,
    /// What the users of all parties do.
    pub(crate) deeds: &'a [mpsc::Sender<Deed>],
}

impl Stage<'_> {
    /// Plays the timeline and waits for all deliveries, but not for ever.
    pub(crate) async fn play(&mut self, senders: &mut JoinSet<()>) -> Result<Duration, WorldError> {
        let scenario = self.scenario;
        let mut actions = scenario.actions.iter().peekable();
        let give_up = self.ledger.started() + scenario.give_up;
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut all_arrived = None;
        loop {
            let next = actions
                .peek()
                .map(|action| self.ledger.started() + action.at);
            tokio::select! {
                () = sleep_until(next.unwrap_or(give_up)), if next.is_some() => {
                    if let Some(action) = actions.next() {
                        self.act(&action.what).await?;
                    }
                    continue;
                }
                _ = seconds.tick() => {}
                () = sleep_until(give_up) => {
                    self.journal.note(Topic::Note, "lab", "the time is over");
                    return Ok(self.ledger.now());
                }
            }
            while senders.try_join_next().is_some() {}
            self.world.check()?;
            let counts = self.ledger.counts();
            self.journal.counts(counts);
            let planned = usize::try_from(scenario.messages()).unwrap_or(usize::MAX);
            let arrived = counts.requested == planned
                && counts.confirmed + counts.refused == planned
                && counts.on_the_way() == 0;
            if senders.is_empty() && next.is_none() && arrived {
                let since = *all_arrived.get_or_insert_with(|| {
                    self.journal.note(Topic::Note, "lab", "all have arrived");
                    self.ledger.now()
                });
                let settled = counts.told >= counts.confirmed && counts.twice == 0;
                if settled || self.ledger.now() > since + TOLD_GRACE {
                    return Ok(since);
                }
            }
        }
    }

    async fn act(&mut self, what: &What) -> Result<(), WorldError> {
        match what {
            What::Link {
                handset,
                link,
                state,
            } => {
                let plan = &self.scenario.handsets[*handset];
                let before = self.world.handsets()[*handset].radio().links()[*link].state();
                let words = match state {
                    LinkState::Up if before == LinkState::Down => "comes up",
                    LinkState::Up => "carries again",
                    LinkState::Down => "goes down",
                    LinkState::Stalled => "stalls",
                    LinkState::Cut => "is cut: packets vanish",
                };
                let words = format!("link {} {words}", plan.links[*link].id);
                self.journal.note(Topic::Link, &plan.name, words);
                self.world.handsets()[*handset]
                    .radio()
                    .set_link(*link, *state)
                    .await;
            }
            What::Profile {
                handset,
                link,
                profile,
            } => {
                let plan = &self.scenario.handsets[*handset];
                let words = format!("link {} becomes {}", plan.links[*link].id, profile.name);
                self.journal.note(Topic::Link, &plan.name, words);
                self.world.handsets()[*handset]
                    .radio()
                    .set_profile(*link, profile)
                    .await;
            }
            What::Coverage {
                party,
                slot,
                coverage,
            } => {
                let words = format!("slot {slot} has coverage: {}", coverage.word());
                self.note_radio(*party, words);
                self.world.set_coverage(*party, *slot, *coverage).await;
            }
            What::FlightMode { party, on } => {
                let words = if *on { "on" } else { "off" };
                self.note_radio(*party, format!("flight mode {words}"));
                self.world.set_flight_mode(*party, *on).await;
            }
            What::MoveCard {
                handset,
                card,
                slot,
            } => {
                let id = &self.scenario.handsets[*handset].cards[*card].id;
                let words = match slot {
                    Some(slot) => format!("card {id} is put into slot {slot}"),
                    None => format!("card {id} is taken out"),
                };
                self.note_radio(*handset, words);
                self.world.move_card(*handset, *card, *slot).await;
            }
            What::SwapCards { handset } => {
                self.note_radio(*handset, "the cards change places".to_owned());
                self.world.swap_cards(*handset).await;
            }
            What::Balance {
                handset,
                card,
                micros,
            } => {
                let card = &self.scenario.handsets[*handset].cards[*card];
                let words = match micros {
                    Some(0) => format!("the balance of card {} is empty", card.id),
                    Some(micros) => format!("the balance of card {} is {micros} micros", card.id),
                    None => format!("card {} has balance again", card.id),
                };
                self.note_radio(*handset, words);
                self.world.network().set_balance(&card.plan.iccid, *micros);
            }
            What::Pin {
                handset,
                peer,
                card,
            } => {
                let card = &self.scenario.handsets[*handset].cards[*card];
                let name = self.scenario.name_of(*peer);
                let words = format!("the user: SMS to {name} by card {} and no other", card.id);
                self.note_user(*handset, words);
                let pin = Deed::Pin {
                    peer: self.scenario.number_of(*peer).expose(),
                    iccid: card.plan.iccid.clone(),
                };
                self.deed(*handset, pin);
            }
            What::Retry {
                handset,
                peer,
                channel,
            } => {
                let (peer, channel) = (*peer, *channel);
                let how = match channel {
                    Channel::Sms => "by SMS",
                    Channel::Ip => "by IP",
                    Channel::Unspecified => "again",
                };
                let name = self.scenario.name_of(peer);
                self.note_user(
                    *handset,
                    format!("the user: what waits for {name} goes {how}"),
                );
                self.deed(*handset, Deed::Retry { peer, channel });
            }
            What::Kill(process) => {
                self.note_process(*process, "killed (SIGKILL)");
                self.world.kill(*process).await?;
            }
            What::Start(process) => {
                self.world.start_again(*process).await?;
                self.note_process(*process, "started again");
            }
            What::Pause(process) => {
                self.note_process(*process, "frozen (SIGSTOP)");
                self.world.pause(*process)?;
            }
            What::Resume(process) => {
                self.world.resume(*process)?;
                self.note_process(*process, "goes on (SIGCONT)");
            }
        }
        Ok(())
    }

    /// The user does it as soon as the app is done with what it is doing.
    fn deed(&self, party: usize, deed: Deed) {
        if self.deeds[party].try_send(deed).is_err() {
            self.note_user(party, "the user gives up: the app is too busy".to_owned());
        }
    }

    fn note_radio(&self, party: usize, what: String) {
        self.journal
            .note(Topic::Sms, self.scenario.name_of(party), what);
    }

    fn note_user(&self, party: usize, what: String) {
        self.journal
            .note(Topic::Decision, self.scenario.name_of(party), what);
    }

    fn note_process(&self, process: Process, what: &str) {
        let (who, what) = match process {
            Process::Gateway => ("gateway", what.to_owned()),
            Process::Agent(handset) => {
                let name = self.scenario.handsets[handset].name.as_str();
                (name, format!("agent {what}"))
            }
            Process::Daemon(handset) => {
                let name = self.scenario.handsets[handset].name.as_str();
                (name, format!("daemon {what}"))
            }
        };
        self.journal.note(Topic::Process, who, what);
    }
}
