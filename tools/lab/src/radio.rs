//! What a handset's radio makes of its links and cards, and what the framework
//! tells of them.
//!
//! Owns that links follow the radio: without a card, a network or the radio, a
//! cellular link is down whatever else was said of it; and where data go by one
//! card at a time, so is the other card's. The telephony agent reports what is here.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use twine_control::pb;

use crate::agent::{self, Data};
use crate::journal::Topic;
use crate::mobile::network::Network;
use crate::profile::Profile;
use crate::relay::{LinkHandle, LinkState};
use crate::scenario::HandsetPlan;

/// The radio of one handset.
#[derive(Debug)]
pub struct Radio {
    plan: HandsetPlan,
    links: Vec<LinkHandle>,
    /// Its index in the network.
    phone: usize,
    network: Network,
    state: Mutex<State>,
    /// A change of a link is whole before the next.
    changing: tokio::sync::Mutex<()>,
    reports: watch::Sender<pb::TelephonyState>,
}

#[derive(Debug)]
struct State {
    /// What was said of each link; what it is depends on the radio, too.
    wanted: Vec<LinkState>,
    /// `None`: each card has data of its own.
    data: Option<Data>,
    data_moves: u32,
}

/// Why data stay where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DataRefused {
    /// The scenario names no card for data.
    #[error("this phone does not move data between cards")]
    NotSupported,
    /// A slot without a card.
    #[error("there is no card in that slot")]
    NoCard,
    /// The other card has no network: the framework validates before it keeps a
    /// move.
    #[error("the card did not come online")]
    NotValidated,
}

impl DataRefused {
    /// `SET_OPPORTUNISTIC_SUB_` of Android's TelephonyManager.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::NotSupported => 4,
            Self::NoCard => 3,
            Self::NotValidated => 1,
        }
    }
}

impl Radio {
    /// A radio as planned; `phone` is its index in the network.
    pub(crate) fn new(
        plan: HandsetPlan,
        (phone, network): (usize, &Network),
        sources: &[Ipv4Addr],
        links: Vec<LinkHandle>,
    ) -> Arc<Self> {
        let home = plan.data_card.and_then(|card| plan.cards[card].plan.slot);
        let data = home.map(|slot| Data {
            slot,
            moving: false,
        });
        let reports = network.look(|mobile| agent::state(&plan, sources, phone, mobile, data));
        Arc::new(Self {
            state: Mutex::new(State {
                wanted: plan.links.iter().map(|link| link.state).collect(),
                data,
                data_moves: 0,
            }),
            plan,
            links,
            phone,
            network: network.clone(),
            changing: tokio::sync::Mutex::default(),
            reports: watch::Sender::new(reports),
        })
    }

    /// Its links, in the order of the plan.
    #[must_use]
    pub fn links(&self) -> &[LinkHandle] {
        &self.links
    }

    /// The link that the handset uses, and its profile: of those that are up
    /// the one over which it sent last, or the first if it has not sent yet.
    /// `None`: no link is up. Links that are cut or stalled count as up: the
    /// handset does not know.
    #[must_use]
    pub fn active(&self) -> Option<(&str, String)> {
        let links = self.plan.links.iter().zip(&self.links);
        links
            .filter(|(_, link)| link.state() != LinkState::Down)
            // The first of equals.
            .rev()
            .max_by_key(|(_, link)| link.last_sent())
            .map(|(plan, link)| (plan.id.as_str(), link.profile()))
    }

    /// How often mobile data moved from one card to the other.
    #[must_use]
    pub fn data_moves(&self) -> u32 {
        self.lock().data_moves
    }

    /// What the framework tells, now and whenever it changes.
    pub(crate) fn reports(&self) -> watch::Receiver<pb::TelephonyState> {
        self.reports.subscribe()
    }

    /// Changes the state of a link, as far as the radio allows. The daemon hears of
    /// `up` and `down`.
    pub async fn set_link(&self, link: usize, state: LinkState) {
        self.lock().wanted[link] = state;
        self.apply(link).await;
    }

    /// Changes the shape of a link. The daemon hears of the generation.
    pub async fn set_profile(&self, link: usize, profile: &Profile) {
        self.links[link].set_profile(profile).await;
        self.report_link(link, |link| {
            if link.kind == pb::LinkKind::Cellular as i32 {
                link.generation = profile.generation.into();
            }
        });
    }

    /// The radio, the cards or the card for data changed.
    pub(crate) async fn follow(&self) {
        let data = self.lock().data;
        let sims = self
            .network
            .look(|mobile| agent::sims(&self.plan, self.phone, mobile, data));
        self.reports.send_if_modified(|state| {
            let changed = state.sims != sims;
            state.sims = sims;
            changed
        });
        for link in 0..self.links.len() {
            self.apply(link).await;
        }
    }

    /// Moves data to the card in a slot, as the framework does: for the time of the
    /// move there are none, and if the card has no network they go back. Goes on
    /// without whoever asked.
    pub(crate) fn prefer_data(
        self: &Arc<Self>,
        wish: &pb::PreferDataSim,
    ) -> oneshot::Receiver<Result<(), DataRefused>> {
        let (done, end) = oneshot::channel();
        let (radio, wish) = (Arc::clone(self), wish.clone());
        tokio::spawn(async move {
            // Nobody may be waiting any more.
            let _ = done.send(radio.move_data(&wish).await);
        });
        end
    }

    async fn move_data(&self, wish: &pb::PreferDataSim) -> Result<(), DataRefused> {
        let slot = wish.slot as usize;
        let from = {
            let mut state = self.lock();
            let Some(data) = &mut state.data else {
                return Err(DataRefused::NotSupported);
            };
            let from = data.slot;
            if from == slot && !data.moving {
                return Ok(());
            }
            if !self.slot_has_card(slot) {
                return Err(DataRefused::NoCard);
            }
            *data = Data { slot, moving: true };
            from
        };
        self.note(format!(
            "data move from slot {from} to slot {slot}: {}",
            wish.reason
        ));
        self.follow().await;
        sleep(self.plan.data_move).await;
        let reached = self.on_air(slot);
        {
            let mut state = self.lock();
            state.data = Some(Data {
                slot: if reached { slot } else { from },
                moving: false,
            });
            state.data_moves += u32::from(reached);
        }
        self.follow().await;
        if reached {
            self.note(format!("data go by slot {slot} now"));
            Ok(())
        } else {
            self.note(format!("data go back to slot {from}"));
            Err(DataRefused::NotValidated)
        }
    }

    async fn apply(&self, link: usize) {
        let _whole = self.changing.lock().await;
        let plan = &self.plan.links[link];
        let slot = plan.sim_slot as usize;
        let (wanted, data) = {
            let state = self.lock();
            (state.wanted[link], state.data)
        };
        let has_data = data.is_none_or(|data| data.slot == slot && !data.moving);
        let cellular = plan.kind == pb::LinkKind::Cellular;
        let state = if cellular && !(has_data && self.on_air(slot)) {
            LinkState::Down
        } else {
            wanted
        };
        if self.links[link].state() != state {
            self.links[link].set_state(state).await;
        }
        let up = match state {
            LinkState::Up => true,
            LinkState::Down => false,
            LinkState::Stalled | LinkState::Cut => return,
        };
        self.report_link(link, |link| {
            link.up = up;
            link.validated = up;
        });
    }

    fn slot_has_card(&self, slot: usize) -> bool {
        let look = |mobile: &crate::mobile::Mobile| mobile.slot(self.phone, slot).card.is_some();
        self.network.look(look)
    }

    fn on_air(&self, slot: usize) -> bool {
        self.network
            .look(|mobile| mobile.slot(self.phone, slot).in_service())
    }

    fn report_link(&self, link: usize, change: impl FnOnce(&mut pb::Link)) {
        self.reports.send_if_modified(|state| {
            let Some(link) = state.links.get_mut(link) else {
                return false;
            };
            let before = link.clone();
            change(link);
            *link != before
        });
    }

    fn note(&self, words: String) {
        if let Some(journal) = self.network.journal() {
            journal.note(Topic::Link, &self.plan.name, words);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
