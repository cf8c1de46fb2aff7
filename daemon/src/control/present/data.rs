//! What is told of a card's mobile data.

use twine_engine::link::Generation;
use twine_engine::links::{Allowance, Bundle, Service, SimData};
use twine_proto::control_pb as pb;

/// The fields as to data; those that are not known stay unspecified.
pub(super) fn of(data: Option<SimData>) -> pb::Sim {
    let Some(data) = data else {
        return pb::Sim::default();
    };
    pb::Sim {
        data_allowance: match data.allowance {
            Allowance::Unknown => pb::DataAllowance::Unspecified,
            Allowance::Off => pb::DataAllowance::DataOff,
            Allowance::AtHome => pb::DataAllowance::DataAtHome,
            Allowance::RoamingToo => pb::DataAllowance::DataRoamingToo,
        }
        .into(),
        data_in_service: data.service != Service::None,
        generation: generation(data.generation).into(),
        signal_level: data.signal_level.map_or(0, |level| u32::from(level) + 1),
        data_bundle: match data.bundle {
            Bundle::Unknown => pb::DataBundle::Unspecified,
            Bundle::Within => pb::DataBundle::DataLeft,
            Bundle::Spent => pb::DataBundle::DataSpent,
        }
        .into(),
        default_data: data.default_data,
        carries_data: data.carries_data,
        ..pb::Sim::default()
    }
}

/// As the agent reported it.
pub(super) const fn generation(generation: Generation) -> pb::Generation {
    match generation {
        Generation::Unknown => pb::Generation::Unknown,
        Generation::G2 => pb::Generation::G2,
        Generation::G2_5 => pb::Generation::G25,
        Generation::G3 => pb::Generation::G3,
        Generation::G4 => pb::Generation::G4,
        Generation::G5 => pb::Generation::G5,
    }
}
