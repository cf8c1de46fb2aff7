//! What an agent reports of its phone: cards and links.

use std::net::Ipv4Addr;

use twine_control::pb;

use crate::mobile::Mobile;
use crate::mobile::plan::Coverage;
use crate::mobile::plan::{CardPlan, SLOTS};
use crate::scenario::{HandsetPlan, LinkPlan};

/// Which card carries a phone's data, where one at a time does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Data {
    /// The card in this slot.
    pub(crate) slot: usize,
    /// They are on their way there, and nowhere now.
    pub(crate) moving: bool,
}

/// What the agent of this handset reports at the start. `phone` is its index in
/// the mobile network.
pub(crate) fn state(
    plan: &HandsetPlan,
    sources: &[Ipv4Addr],
    phone: usize,
    mobile: &Mobile,
    data: Option<Data>,
) -> pb::TelephonyState {
    let links = plan.links.iter().zip(sources);
    pb::TelephonyState {
        sims: sims(plan, phone, mobile, data),
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

/// The cards that are in the phone now.
pub(crate) fn sims(
    plan: &HandsetPlan,
    phone: usize,
    mobile: &Mobile,
    data: Option<Data>,
) -> Vec<pb::Sim> {
    let sim = |slot: usize| {
        let state = mobile.slot(phone, slot);
        let card = state.card?;
        let operator = mobile.operator(card)?;
        let index = subscription(plan, card);
        let mut sim = pb::Sim {
            slot: slot as u32,
            iccid: card.iccid.clone(),
            number: card
                .number
                .map_or_else(String::new, |number| number.expose()),
            mcc_mnc: operator.mcc_mnc.clone(),
            ready: true,
            subscription_id: index + 1,
            operator: operator.name.clone(),
            in_service: state.in_service(),
            roaming: false,
            default_sms: index == 0,
            radio_off: state.flight_mode,
            ..Default::default()
        };
        // Without it, links alone say whether there is data.
        if let (Some(data), Some(home)) = (data, plan.data_card) {
            let default_data = plan.cards[home].plan.iccid == card.iccid;
            describe_data(&mut sim, data, state.coverage, default_data);
        }
        Some(sim)
    };
    (0..SLOTS).filter_map(sim).collect()
}

/// As to data, of a card that is in the phone.
fn describe_data(sim: &mut pb::Sim, data: Data, coverage: Coverage, default_data: bool) {
    let carries = data.slot == sim.slot as usize;
    let state = match (carries && sim.in_service, data.moving) {
        (false, _) => pb::DataState::DataDisconnected,
        (true, true) => pb::DataState::DataConnecting,
        (true, false) => pb::DataState::DataConnected,
    };
    let (generation, level) = match coverage {
        Coverage::None => (pb::Generation::Unknown, 0),
        Coverage::G2 => (pb::Generation::G25, GOOD_SIGNAL),
        Coverage::G3 => (pb::Generation::G3, GOOD_SIGNAL),
        Coverage::G4 => (pb::Generation::G4, GOOD_SIGNAL),
    };
    sim.carries_data = carries;
    sim.set_data_state(state);
    sim.set_data_allowance(pb::DataAllowance::DataAtHome);
    sim.data_in_service = sim.in_service;
    sim.set_generation(generation);
    sim.signal_level = level;
    sim.set_data_bundle(pb::DataBundle::DataLeft);
    sim.default_data = default_data;
}

/// Three bars of four, as the protocol counts.
const GOOD_SIGNAL: u32 = 4;

/// Android keeps a card's subscription wherever it is put; the user's default for
/// SMS is that of the first.
fn subscription(plan: &HandsetPlan, card: &CardPlan) -> i32 {
    let mut cards = plan.cards.iter();
    let index = cards.position(|other| other.plan.iccid == card.iccid);
    index.map_or(i32::MAX - 1, |index| index as i32)
}
