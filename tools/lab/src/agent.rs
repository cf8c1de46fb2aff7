//! The telephony agent of a simulated handset, as the Java bridge is on a
//! phone: it tells the daemon which SIMs and links there are.
//!
//! Owns what is reported, and reports all of it again whenever the daemon was
//! away. Never tells what a real agent could not know (cuts, stalls).

use std::net::Ipv4Addr;
use std::path::PathBuf;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use twine_control::{Client, pb};

use crate::limits::APP_RECONNECT;
use crate::profile::Profile;
use crate::scenario::{HandsetPlan, LinkPlan};

/// A running agent. Ends when dropped.
#[derive(Debug)]
pub struct Agent {
    state: watch::Sender<pb::TelephonyState>,
    task: AbortHandle,
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Agent {
    /// Connects, and connects again whenever the daemon went away.
    pub(crate) fn start(socket: PathBuf, state: pb::TelephonyState) -> Self {
        let state = watch::Sender::new(state);
        let task = tokio::spawn(keep_reporting(socket, state.subscribe()));
        Self {
            state,
            task: task.abort_handle(),
        }
    }

    /// A link has, or has lost, its address.
    pub fn set_up(&self, link: usize, up: bool) {
        self.change(link, |link| {
            link.up = up;
            link.validated = up;
        });
    }

    /// The radio changed.
    pub fn set_profile(&self, link: usize, profile: &Profile) {
        self.change(link, |link| {
            if link.kind == pb::LinkKind::Cellular as i32 {
                link.generation = profile.generation.into();
            }
        });
    }

    fn change(&self, link: usize, change: impl FnOnce(&mut pb::Link)) {
        self.state.send_if_modified(|state| {
            let Some(link) = state.links.get_mut(link) else {
                return false;
            };
            let before = link.clone();
            change(link);
            *link != before
        });
    }
}

async fn keep_reporting(socket: PathBuf, mut state: watch::Receiver<pb::TelephonyState>) {
    loop {
        if let Ok(client) = Client::connect(&socket, "lab.agent", &[pb::Role::Telephony]).await
            && report_until_it_ends(&client, &mut state).await.is_none()
        {
            return;
        }
        sleep(APP_RECONNECT).await;
    }
}

/// `None`: the lab has ended.
async fn report_until_it_ends(
    client: &Client,
    state: &mut watch::Receiver<pb::TelephonyState>,
) -> Option<()> {
    loop {
        let report = pb::report::Kind::State(state.borrow_and_update().clone());
        if client.report(report).await.is_err() {
            return Some(());
        }
        tokio::select! {
            changed = state.changed() => changed.ok()?,
            // Agents get no events: this returns when the connection ends.
            _ = client.next_event() => return Some(()),
        }
    }
}

/// What the agent of this handset reports at the start.
pub(crate) fn state(plan: &HandsetPlan, sources: &[Ipv4Addr]) -> pb::TelephonyState {
    let links = plan.links.iter().zip(sources);
    pb::TelephonyState {
        sims: sims(plan),
        links: links.map(|(plan, source)| link(plan, *source)).collect(),
        ..Default::default()
    }
}

fn link(plan: &LinkPlan, source: Ipv4Addr) -> pb::Link {
    let up = plan.state != crate::relay::LinkState::Down;
    let cellular = plan.kind == pb::LinkKind::Cellular;
    pb::Link {
        id: plan.id.clone(),
        kind: plan.kind.into(),
        sim_slot: plan.sim_slot,
        up,
        validated: up,
        metered: plan.metered,
        generation: if cellular {
            plan.profile.generation.into()
        } else {
            pb::Generation::Unknown.into()
        },
        network: format!("lab-{}", plan.id),
        source_address: source.to_string(),
        ..Default::default()
    }
}

/// One card for each slot that a link uses; the handset's number is that of
/// the first.
fn sims(plan: &HandsetPlan) -> Vec<pb::Sim> {
    let mut slots: Vec<_> = plan
        .links
        .iter()
        .filter(|link| link.kind == pb::LinkKind::Cellular)
        .map(|link| link.sim_slot)
        .collect();
    slots.sort_unstable();
    slots.dedup();
    let sim = |(index, slot): (usize, &u32)| pb::Sim {
        slot: *slot,
        iccid: format!("8900000000{:09}", plan.number.get() % 1_000_000_000),
        number: if index == 0 {
            plan.number.expose()
        } else {
            String::new()
        },
        // The test network of ITU-T E.212.
        mcc_mnc: "00101".to_owned(),
        ready: true,
        subscription_id: index as i32 + 1,
        operator: "Lab".to_owned(),
        in_service: true,
        default_sms: index == 0,
        ..Default::default()
    };
    slots.iter().enumerate().map(sim).collect()
}
