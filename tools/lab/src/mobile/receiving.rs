//! The receiving side of a phone: parts become messages, duplicates are dropped
//! (frameworks/opt/telephony: InboundSmsHandler, InboundSmsTracker).

use std::collections::VecDeque;

use twine_sms::pdu::user_data::text_of;
use twine_sms::pdu::{Deliver, Direction, Pdu, UserData};
use twine_sms::reassembly::{Content, Outcome, Reassembler};

use super::{Mobile, Place, ShortMessage, Told};
use crate::limits::MAX_RAW_SMS;

/// What a phone has received.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    partial: Reassembler<String, Arrived>,
    /// Android's raw table: what came, oldest first.
    raw: VecDeque<RawKey>,
}

/// A part, and the centre's time on it.
#[derive(Debug)]
struct Arrived {
    data: UserData,
    scts_ms: u64,
}

/// Equal parts may carry different times.
impl PartialEq for Arrived {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl Content for Arrived {
    fn bytes(&self) -> usize {
        self.data.bytes()
    }
}

/// By this Android recognises a part that came before. The subscription is not
/// in it.
#[derive(Debug, PartialEq, Eq)]
struct RawKey {
    address: String,
    /// Reference, count, sequence.
    place: Option<(u16, u8, u8)>,
    scts_s: Option<i64>,
    body: UserData,
}

impl Receiving {
    /// Whether it is new; then it is remembered.
    fn is_new(&mut self, deliver: &Deliver) -> bool {
        let place = deliver.user_data.concatenation();
        let key = RawKey {
            address: deliver.originator.text(),
            place: place.map(|place| (place.reference(), place.count(), place.index())),
            scts_s: deliver.timestamp.unix_s(),
            body: deliver.user_data.clone(),
        };
        if self.raw.contains(&key) {
            return false;
        }
        if self.raw.len() >= MAX_RAW_SMS {
            self.raw.pop_front();
        }
        self.raw.push_back(key);
        true
    }
}

impl Mobile {
    /// A PDU comes from the air.
    pub(super) fn receive(&mut self, place: Place, card: usize, pdu: &[u8]) {
        match Pdu::decode(pdu, Direction::ToPhone) {
            Ok(Pdu::Deliver(deliver)) => self.message(place, card, deliver),
            Ok(Pdu::StatusReport(report)) => {
                let delivered = report.status.is_received();
                let to = report.recipient.text();
                let sending = &mut self.phones[place.phone].sending;
                if let Some((call, part)) = sending.reported(report.message_reference, &to) {
                    let told = Told::Report {
                        call,
                        part,
                        delivered,
                    };
                    self.tell(place.phone, told);
                }
            }
            Ok(Pdu::Submit(_)) | Err(_) => self.counts.dropped += 1,
        }
    }

    fn message(&mut self, place: Place, card: usize, deliver: Deliver) {
        let receiving = &mut self.phones[place.phone].receiving;
        if !receiving.is_new(&deliver) {
            self.counts.duplicates_dropped += 1;
            return;
        }
        let from = deliver.originator.text();
        let scts_s = deliver.timestamp.unix_s().unwrap_or(0);
        let scts_ms = u64::try_from(scts_s).unwrap_or(0) * 1000;
        let part = Arrived {
            data: deliver.user_data,
            scts_ms,
        };
        let parts = match part.data.concatenation() {
            None => vec![part],
            Some(concatenation) => {
                let partial = &mut receiving.partial;
                let inserted = partial.insert(self.now, from.clone(), concatenation, part);
                self.counts.dropped += inserted.given_up.len() as u64;
                match inserted.outcome {
                    Outcome::Complete(parts) => parts,
                    Outcome::Waiting { .. } => return,
                    Outcome::Duplicate | Outcome::TooLarge => {
                        self.counts.dropped += 1;
                        return;
                    }
                }
            }
        };
        let Some(text) = text_of(parts.iter().map(|part| &part.data)) else {
            self.counts.dropped += 1;
            return;
        };
        // The framework's time of a message is that of its first part.
        let scts_ms = parts.first().map_or(scts_ms, |first| first.scts_ms);
        let message = ShortMessage {
            slot: place.slot,
            iccid: self.cards[card].plan.iccid.clone(),
            from,
            text,
            scts_ms,
        };
        self.tell(place.phone, Told::Message(message));
    }
}
