//! What an agent reports of its phone: cards and links.

use std::net::Ipv4Addr;

use twine_control::pb;

use crate::mobile::Mobile;
use crate::mobile::plan::{CardPlan, SLOTS};
use crate::scenario::{HandsetPlan, LinkPlan};

/// What the agent of this handset reports at the start. `phone` is its index in
/// the mobile network.
pub(crate) fn state(
    plan: &HandsetPlan,
    sources: &[Ipv4Addr],
    phone: usize,
    mobile: &Mobile,
) -> pb::TelephonyState {
    let links = plan.links.iter().zip(sources);
    pb::TelephonyState {
        sims: sims(plan, phone, mobile),
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
pub(crate) fn sims(plan: &HandsetPlan, phone: usize, mobile: &Mobile) -> Vec<pb::Sim> {
    let sim = |slot: usize| {
        let state = mobile.slot(phone, slot);
        let card = state.card?;
        let operator = mobile.operator(card)?;
        let index = subscription(plan, card);
        Some(pb::Sim {
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
            // The lab's links say whether there is data.
            ..Default::default()
        })
    };
    (0..SLOTS).filter_map(sim).collect()
}

/// Android keeps a card's subscription wherever it is put; the user's default for
/// SMS is that of the first.
fn subscription(plan: &HandsetPlan, card: &CardPlan) -> i32 {
    let mut cards = plan.cards.iter();
    let index = cards.position(|other| other.plan.iccid == card.iccid);
    index.map_or(i32::MAX - 1, |index| index as i32)
}
