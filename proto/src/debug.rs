//! `Debug` for the generated messages that hold numbers, texts, tokens or card
//! numbers. `build.rs` lists the same messages, so that prost makes none for
//! them. A test finds messages of the .proto files that are on neither list.

use std::fmt;

use crate::{control_pb as control, wire_pb as wire};

/// Shows the fields named, which identify nobody, and `..` for the rest.
macro_rules! partial_debug {
    ($($module:ident::$name:ident { $($field:ident),* })*) => {$(
        impl fmt::Debug for $module::$name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

partial_debug! {
    wire::Content {}
    wire::Submit { seq, lane_seq, slot }
    wire::Deliver { cursor, epoch, lane_seq, age_s, slot, maybe_by_sms }
    wire::HelloSlot { epoch, next_seq, lowest_unsettled, cursor, last_epoch, old }
    wire::ReadMark { epoch, upto }
    wire::Lookup { id }
    wire::Capability { reachable, features, valid_s }
    wire::Typing { slot, stopped }

    control::Send { valid_for_s }
    control::SetTyping { stopped }
    control::GetHistory { before, limit }
    control::Register { consent }
    control::Registered { epoch }
    control::LookupPeers {}
    control::Peer { reachable, features, valid_s }
    control::Conversation { count, last }
    control::Message { message_id, direction, state, order, ip, waits_for, copy_of }
    control::Event { cursor, kind, message, state, resync_from, stopped }
    control::IdentityStatus { epoch, state, next_seq, lowest_unsettled, cursor }
    control::Sim { slot, mcc_mnc, ready, subscription_id, operator, in_service, roaming }
    control::SmsReceived { sim_slot, scts_ms }
    control::Preview { channel }
    control::Previewed { channel, waits_for, peer_on_ip }
    control::SmsCost { encoding, parts, units_left, sim_slot, roaming }
    control::GetSettings {}
    control::SetSettings { mode, fallback }
    control::Settings { mode, fallback, effective_mode, effective_fallback, peer_on_ip }
    control::StoryLine { wall_ms, step }
    control::SmsAttempt { state, parts, parts_sent, parts_delivered, marked, code, scts_ms }
    control::SendSms { attempt }
    control::SmsTaken {}
    control::OrderResult { id, code }
}
