//! An SMS centre: takes SMS-SUBMIT, stores, forwards SMS-DELIVER, and reports.
//!
//! Delays, loses, doubles and holds back as its plan says. A phone that cannot be
//! reached is tried again: after a while, and at once when it is back (as the
//! home location register alerts the centre).

use std::time::Duration;

use twine_sms::pdu::{
    Address, Deliver, Direction, Pdu, Status, StatusReport, status_report::Extra,
};

use super::plan::CentrePlan;
use super::{Event, Mobile, clock};

/// What a centre holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ParcelId(u64);

#[derive(Debug)]
pub(super) struct Parcel {
    operator: usize,
    /// Its number; `None`: nobody has it.
    to: Option<usize>,
    /// SMS-DELIVER or SMS-STATUS-REPORT.
    pdu: Vec<u8>,
    /// To be reported when it is delivered.
    report: Option<Report>,
    /// It waits for its phone.
    waits: bool,
}

#[derive(Debug, Clone)]
struct Report {
    /// The sender's card.
    to: usize,
    report: StatusReport,
}

/// Not obtainable: nobody has the number.
const NOT_OBTAINABLE: Status = Status(0x43);

impl Mobile {
    /// A part comes from the air. What cannot be read is dropped, as a centre
    /// does.
    pub(super) fn submit(&mut self, card: usize, pdu: &[u8]) {
        let Ok(Pdu::Submit(submit)) = Pdu::decode(pdu, Direction::FromPhone) else {
            self.counts.dropped += 1;
            return;
        };
        self.counts.parts += 1;
        let operator = self.cards[card].plan.operator;
        let plan = self.operators[operator].centre;
        if self.rng.chance(plan.loss) {
            self.counts.lost += 1;
            return self.centre_says(operator, "loses a part");
        }
        let timestamp = clock::timestamp(self.wall_start_s + self.now.as_secs() as i64);
        let from = self.cards[card].plan.number;
        // A card without a number cannot be answered; operators send such a name.
        let originator = match from {
            Some(number) => Address::dialled(&number.expose()),
            None => Address::name("unknown"),
        };
        let Ok(originator) = originator else {
            self.counts.dropped += 1;
            return;
        };
        let withheld = submit.status_report && self.rng.chance(plan.withhold_reports);
        self.counts.reports_withheld += u64::from(withheld);
        let report = (submit.status_report && !withheld).then(|| Report {
            to: card,
            report: StatusReport {
                more_messages: false,
                loop_prevention: false,
                of_command: false,
                message_reference: submit.message_reference,
                recipient: submit.destination.clone(),
                timestamp,
                discharge_time: timestamp,
                status: Status::RECEIVED,
                protocol: None,
                extra: Extra::Nothing,
            },
        });
        let deliver = Pdu::Deliver(Deliver {
            more_messages: false,
            loop_prevention: false,
            status_report: report.is_some(),
            reply_path: false,
            originator,
            protocol: submit.protocol,
            timestamp,
            user_data: submit.user_data,
        });
        let parcel = Parcel {
            operator,
            to: self.card_of_number(&submit.destination.text()),
            pdu: deliver.encode(),
            report,
            waits: false,
        };
        self.forward(plan, parcel);
    }

    fn forward(&mut self, plan: CentrePlan, parcel: Parcel) {
        let operator = parcel.operator;
        let mut delay = self.delay(plan);
        if self.rng.chance(plan.hold) {
            self.counts.held += 1;
            delay += plan.hold_for;
            self.centre_says(operator, "holds a part back");
        }
        let double = self.rng.chance(plan.double).then(|| Parcel {
            pdu: parcel.pdu.clone(),
            report: None,
            ..parcel
        });
        if let Some(double) = double {
            self.counts.doubled += 1;
            self.centre_says(operator, "sends a part twice");
            let later = delay + self.delay(plan);
            self.store(later, double);
        }
        self.store(delay, parcel);
    }

    fn store(&mut self, delay: Duration, parcel: Parcel) {
        self.next_parcel += 1;
        let id = ParcelId(self.next_parcel);
        self.parcels.insert(id, parcel);
        self.at(delay, Event::Deliver(id));
    }

    fn delay(&mut self, plan: CentrePlan) -> Duration {
        let further = self.rng.exponential(plan.delay_mean);
        (plan.delay + further).min(plan.delay_most.max(plan.delay))
    }

    pub(super) fn deliver(&mut self, id: ParcelId) {
        let Some(mut parcel) = self.parcels.remove(&id) else {
            // Delivered meanwhile: the phone was back before the next attempt.
            return;
        };
        let Some(card) = parcel.to else {
            return self.report(parcel.operator, parcel.report, NOT_OBTAINABLE);
        };
        let Some(place) = self.reachable(card) else {
            let retry_after = self.operators[parcel.operator].centre.retry_after;
            if !parcel.waits {
                let words = "waits with a part: its phone cannot be reached";
                self.centre_says(parcel.operator, words);
            }
            parcel.waits = true;
            self.parcels.insert(id, parcel);
            return self.at(retry_after, Event::Deliver(id));
        };
        self.receive(place, card, &parcel.pdu);
        self.report(parcel.operator, parcel.report, Status::RECEIVED);
    }

    fn report(&mut self, operator: usize, report: Option<Report>, status: Status) {
        let Some(Report { to, mut report }) = report else {
            return;
        };
        report.status = status;
        report.discharge_time = clock::timestamp(self.wall_start_s + self.now.as_secs() as i64);
        let plan = self.operators[operator].centre;
        let delay = self.delay(plan);
        let parcel = Parcel {
            operator,
            to: Some(to),
            pdu: Pdu::StatusReport(report).encode(),
            report: None,
            waits: false,
        };
        self.store(delay, parcel);
    }

    /// A phone may be back: centres try what waits for it.
    pub(super) fn alert(&mut self) {
        let due: Vec<_> = self
            .parcels
            .iter()
            .filter(|(_, parcel)| parcel.waits)
            .filter(|(_, parcel)| parcel.to.is_some_and(|card| self.reachable(card).is_some()))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some(parcel) = self.parcels.get_mut(&id) {
                let plan = self.operators[parcel.operator].centre;
                parcel.waits = false;
                let delay = self.delay(plan);
                self.at(delay, Event::Deliver(id));
            }
        }
    }

    fn centre_says(&mut self, operator: usize, what: &str) {
        let who = self.operators[operator].name.clone();
        self.happened(who, &format!("SMS centre {what}"));
    }
}
