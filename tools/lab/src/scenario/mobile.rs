//! Operators, cards and plain phones of a scenario file.

use std::time::Duration;

use toml::Spanned;
use twine_proto::E164;

use super::file::{Card, Centre, File, Operator, Plain};
use super::read::Reader;
use super::{
    DEFAULT_OFF_NET_MICROS, DEFAULT_ON_NET_MICROS, HandsetCard, HandsetPlan, LinkPlan, PlainPlan,
    default_cards, default_iccid, default_operator,
};
use crate::limits::{MAX_CARDS, MAX_OPERATORS, MAX_PLAIN};
use crate::mobile::plan::{CardPlan, CentrePlan, Coverage, OperatorPlan, SLOTS};
use crate::source::Located;

/// The words for coverage.
pub(super) const COVERAGES: [(&str, Coverage); 4] = [
    ("none", Coverage::None),
    ("2g", Coverage::G2),
    ("3g", Coverage::G3),
    ("4g", Coverage::G4),
];
/// An SMS centre needs a pause between attempts.
const LEAST_RETRY_S: f64 = 0.1;
/// Digits of a card's number (ITU-T E.118: at most 19, in practice up to 20).
const ICCID_DIGITS: std::ops::RangeInclusive<usize> = 18..=20;

impl Reader<'_> {
    pub(super) fn operators(&self, file: &File) -> Result<Vec<OperatorPlan>, Located> {
        if file.operators.is_empty() {
            return Ok(vec![default_operator()]);
        }
        if file.operators.len() > MAX_OPERATORS {
            let what = format!(
                "{} operators are not allowed: at most {MAX_OPERATORS}",
                file.operators.len()
            );
            return Err(self.source.at(0..0, what));
        }
        let mut operators: Vec<OperatorPlan> = Vec::new();
        for operator in &file.operators {
            let operator = operator.get_ref();
            self.name("name", &operator.name)?;
            if operators
                .iter()
                .any(|other| other.name == *operator.name.get_ref())
            {
                return Err(self.twice("operator", &operator.name));
            }
            operators.push(self.operator(operator)?);
        }
        Ok(operators)
    }

    fn operator(&self, operator: &Operator) -> Result<OperatorPlan, Located> {
        let mcc_mnc = operator.mcc_mnc.get_ref();
        if !(5..=6).contains(&mcc_mnc.len()) || !mcc_mnc.bytes().all(|byte| byte.is_ascii_digit()) {
            let what = format!("mcc_mnc = \"{mcc_mnc}\" is not allowed: five or six digits");
            return Err(self.source.at(operator.mcc_mnc.span(), what));
        }
        Ok(OperatorPlan {
            name: operator.name.get_ref().clone(),
            mcc_mnc: mcc_mnc.clone(),
            on_net_micros: operator.on_net_micros.unwrap_or(DEFAULT_ON_NET_MICROS),
            off_net_micros: operator.off_net_micros.unwrap_or(DEFAULT_OFF_NET_MICROS),
            centre: self.centre(&operator.sms_centre)?,
        })
    }

    fn centre(&self, centre: &Centre) -> Result<CentrePlan, Located> {
        let default = CentrePlan::default();
        let time = |key, value: &Option<Spanned<f64>>, default: Duration| match value {
            Some(value) => self.time(key, value),
            None => Ok(default),
        };
        let chance = |key, value: &Option<Spanned<f64>>| match value {
            Some(value) => self.source.within(key, value, 0.0, 1.0, ""),
            None => Ok(0.0),
        };
        if let Some(retry_s) = &centre.retry_s {
            let most = crate::limits::MAX_RUN_S;
            self.source
                .within("retry_s", retry_s, LEAST_RETRY_S, most, "seconds")?;
        }
        Ok(CentrePlan {
            delay: time("delay_s", &centre.delay_s, default.delay)?,
            delay_mean: time("delay_mean_s", &centre.delay_mean_s, default.delay_mean)?,
            delay_most: time("delay_most_s", &centre.delay_most_s, default.delay_most)?,
            loss: chance("loss", &centre.loss)?,
            double: chance("double", &centre.double)?,
            hold: chance("hold", &centre.hold)?,
            hold_for: time("hold_s", &centre.hold_s, default.hold_for)?,
            withhold_reports: chance("withhold_reports", &centre.withhold_reports)?,
            retry_after: time("retry_s", &centre.retry_s, default.retry_after)?,
            reject: chance("reject", &centre.reject)?,
            radio_retry: chance("radio_retry", &centre.radio_retry)?,
            send_time: time("send_s", &centre.send_s, default.send_time)?,
        })
    }

    /// The cards of a handset; without any, one for each slot that a link uses.
    pub(super) fn cards(
        &self,
        handset: &Spanned<super::file::Handset>,
        number: E164,
        links: &[LinkPlan],
        operators: &[OperatorPlan],
    ) -> Result<Vec<HandsetCard>, Located> {
        let span = handset.span();
        let handset = handset.get_ref();
        if handset.cards.is_empty() {
            return Ok(default_cards(number, links));
        }
        if handset.cards.len() > MAX_CARDS {
            let what = format!(
                "{} cards are not allowed: at most {MAX_CARDS}",
                handset.cards.len()
            );
            return Err(self.source.at(span, what));
        }
        let mut cards: Vec<HandsetCard> = Vec::new();
        for card in &handset.cards {
            self.name("id", &card.id)?;
            if cards.iter().any(|other| other.id == *card.id.get_ref()) {
                return Err(self.twice("card", &card.id));
            }
            let plan = self.card(card, default_iccid(number, cards.len()), operators)?;
            if let Some(slot) = &card.slot
                && cards.iter().any(|other| other.plan.slot == plan.slot)
            {
                let what = format!("slot {} has a card already", slot.get_ref());
                return Err(self.source.at(slot.span(), what));
            }
            cards.push(HandsetCard {
                id: card.id.get_ref().clone(),
                plan,
            });
        }
        if !cards.iter().any(|card| card.plan.number == Some(number)) {
            let what = format!(
                "no card of {} has its number: one needs number = \"{}\"",
                handset.name.get_ref(),
                handset.number.get_ref()
            );
            return Err(self.source.at(span, what));
        }
        Ok(cards)
    }

    /// The card that the user chose for data, which has to be in the phone.
    pub(super) fn data_card(
        &self,
        handset: &super::file::Handset,
        cards: &[HandsetCard],
    ) -> Result<Option<usize>, Located> {
        let Some(word) = &handset.data_card else {
            if let Some(time) = &handset.data_move_s {
                let what = "data_move_s is allowed with data_card only".to_owned();
                return Err(self.source.at(time.span(), what));
            }
            return Ok(None);
        };
        let found = cards
            .iter()
            .position(|card| card.id == *word.get_ref() && card.plan.slot.is_some());
        let index = found.ok_or_else(|| {
            let inside = cards.iter().filter(|card| card.plan.slot.is_some());
            let names: Vec<_> = inside.map(|card| card.id.as_str()).collect();
            let what = format!(
                "data_card = \"{}\": {} has no such card in a slot, but {}",
                word.get_ref(),
                handset.name.get_ref(),
                names.join(", ")
            );
            self.source.at(word.span(), what)
        })?;
        Ok(Some(index))
    }

    fn card(
        &self,
        card: &Card,
        iccid: String,
        operators: &[OperatorPlan],
    ) -> Result<CardPlan, Located> {
        let slot = match &card.slot {
            Some(slot) => Some(self.source.within("slot", slot, 0, SLOTS as u32 - 1, "")? as usize),
            None => None,
        };
        let number = match &card.number {
            Some(number) => Some(self.number(number)?),
            None => None,
        };
        if let Some(iccid) = &card.iccid {
            let text = iccid.get_ref();
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || !ICCID_DIGITS.contains(&text.len()) {
                let what = format!("iccid = \"{text}\" is not allowed: 18 to 20 digits");
                return Err(self.source.at(iccid.span(), what));
            }
        }
        Ok(CardPlan {
            iccid: card
                .iccid
                .as_ref()
                .map_or(iccid, |iccid| iccid.get_ref().clone()),
            number,
            operator: self.operator_index(card.operator.as_ref(), operators)?,
            slot,
            balance_micros: card.balance_micros,
        })
    }

    pub(super) fn coverage(&self, words: &[Spanned<String>]) -> Result<[Coverage; SLOTS], Located> {
        let mut coverage = [Coverage::G4; SLOTS];
        if let Some(word) = words.get(SLOTS) {
            let what = format!("coverage has {} entries: at most {SLOTS}", words.len());
            return Err(self.source.at(word.span(), what));
        }
        for (slot, word) in coverage.iter_mut().zip(words) {
            *slot = self.source.one_of("coverage", word, &COVERAGES)?;
        }
        Ok(coverage)
    }

    pub(super) fn plain(
        &self,
        file: &File,
        handsets: &[HandsetPlan],
        operators: &[OperatorPlan],
    ) -> Result<Vec<PlainPlan>, Located> {
        if file.plain.len() > MAX_PLAIN {
            let what = format!(
                "{} plain phones are not allowed: at most {MAX_PLAIN}",
                file.plain.len()
            );
            return Err(self.source.at(0..0, what));
        }
        let mut all: Vec<PlainPlan> = Vec::new();
        for plain in &file.plain {
            let plan = self.plain_phone(plain, operators)?;
            let mut names = handsets.iter().map(|one| &one.name);
            if names.any(|name| *name == plan.name) || all.iter().any(|one| one.name == plan.name) {
                return Err(self.twice("phone", &plain.name));
            }
            all.push(plan);
        }
        self.cards_are_unique(file, handsets, &all)?;
        Ok(all)
    }

    fn plain_phone(&self, plain: &Plain, operators: &[OperatorPlan]) -> Result<PlainPlan, Located> {
        self.name("name", &plain.name)?;
        let number = self.number(&plain.number)?;
        Ok(PlainPlan {
            name: plain.name.get_ref().clone(),
            number,
            card: CardPlan {
                iccid: default_iccid(number, 0),
                number: Some(number),
                operator: self.operator_index(plain.operator.as_ref(), operators)?,
                slot: Some(0),
                balance_micros: None,
            },
        })
    }

    /// No two cards have one number, or one ICCID.
    fn cards_are_unique(
        &self,
        file: &File,
        handsets: &[HandsetPlan],
        plain: &[PlainPlan],
    ) -> Result<(), Located> {
        let mut seen: Vec<&CardPlan> = Vec::new();
        let of_handsets = handsets
            .iter()
            .zip(&file.handsets)
            .flat_map(|(plan, file)| {
                let span = file.span();
                plan.cards
                    .iter()
                    .map(move |card| (&card.plan, span.clone()))
            });
        let of_plain = plain
            .iter()
            .zip(&file.plain)
            .map(|(plan, file)| (&plan.card, file.number.span()));
        for (card, span) in of_handsets.chain(of_plain) {
            let same = |other: &&CardPlan| {
                other.iccid == card.iccid || (other.number.is_some() && other.number == card.number)
            };
            if seen.iter().any(same) {
                let what = "a card's number or iccid is there twice".to_owned();
                return Err(self.source.at(span, what));
            }
            seen.push(card);
        }
        Ok(())
    }

    fn operator_index(
        &self,
        name: Option<&Spanned<String>>,
        operators: &[OperatorPlan],
    ) -> Result<usize, Located> {
        let Some(name) = name else {
            return Ok(0);
        };
        let found = operators
            .iter()
            .position(|operator| operator.name == *name.get_ref());
        found.ok_or_else(|| {
            let names: Vec<_> = operators.iter().map(|one| one.name.as_str()).collect();
            let what = format!(
                "there is no operator \"{}\": one of {}",
                name.get_ref(),
                names.join(", ")
            );
            self.source.at(name.span(), what)
        })
    }
}
