//! The end of a world: when it has come to rest, and what must hold then.

use twine_engine::store_ops::StoreOps;

use super::World;
use crate::model::Broken;
use crate::net::HandsetNo;

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

    /// Nothing is left for an app that nobody told it of.
    fn is_told_of_events(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        // A phone that was replaced may sleep for good.
        if !h.app.alive || h.app.reads_soon || h.engine.is_none() || h.retired {
            return Ok(());
        }
        let Ok(left) = h.store.events(h.app.cursor, 1);
        let promise = "an app is told that there are events";
        let of = format_args!("h{handset}");
        self.model.cases.expect(promise, left.events.is_empty(), of)
    }

    /// What the app saw last of each message is how it stands.
    fn has_seen_the_last(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        if !h.app.alive || h.engine.is_none() || h.put_back || h.retired {
            return Ok(());
        }
        for (id, shown) in &h.app.seen {
            let Ok(record) = h.store.message(*id);
            let stands = record.map(|record| record.shown);
            let promise = "the last event of a message tells how it stands";
            let of = format_args!("h{handset}, message {}: {shown:?}, {stands:?}", id.0);
            self.model
                .cases
                .expect(promise, stands == Some(*shown), of)?;
        }
        Ok(())
    }

    fn model_at_rest(&self) -> Result<(), Broken> {
        let stores: Vec<_> = self.handsets.iter().map(|h| &h.store).collect();
        self.model.at_rest(&stores)?;
        self.placeholders_were_poisoned()
    }

    pub(super) fn finish(&mut self) -> Result<(), Broken> {
        for handset in 0..self.handsets.len() {
            self.is_told_of_events(handset)?;
            self.read_events(handset)?;
            self.has_seen_the_last(handset)?;
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
