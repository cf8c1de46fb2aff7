//! The end of a world: when it has come to rest, and what must hold then.

use super::World;
use crate::model::Broken;

impl World {
    pub(super) fn at_rest(&self) -> bool {
        let model_at_rest = || self.model_at_rest().is_ok();
        self.unrest().is_none() && self.model.cases.uncounted(model_at_rest)
    }

    /// What is still going on; in words, for whoever looks for the reason.
    fn unrest(&self) -> Option<String> {
        if self.gateway.is_none() {
            return Some("the gateway is away".into());
        }
        if self.sms_under_way > 0 {
            return Some(format!("{} parts are under way", self.sms_under_way));
        }
        let mut phones = (0..).zip(&self.handsets).filter(|(_, h)| !h.retired);
        phones.find_map(|(no, h): (usize, _)| Some(format!("h{no} {}", h.unrest()?)))
    }

    fn model_at_rest(&self) -> Result<(), Broken> {
        let stores: Vec<_> = self.handsets.iter().map(|h| &h.store).collect();
        self.model.at_rest(&stores)?;
        self.placeholders_were_poisoned()
    }

    pub(super) fn finish(&mut self) -> Result<(), Broken> {
        for handset in 0..self.handsets.len() {
            self.read_events(handset)?;
        }
        self.model_at_rest()?;
        // Not only is nothing owed: everybody is there again, and nobody waits for
        // an answer.
        let unrest = self.unrest();
        let at_rest = unrest.is_none();
        let text = unrest.unwrap_or_default();
        let promise = "the world comes to rest";
        self.model.cases.expect(promise, at_rest, text)
    }
}
