//! Taking incoming SMS once (DELIVERY 28).

use twine_engine::limits::SMS_REMEMBERED;
use twine_engine::message::Shown;
use twine_engine::store_ops::{EventKind, IncomingSms, Outcome};
use twine_proto::{Digest, LaneSeq};

use super::{Result, Turn};
use crate::rows::{self, PeerKey};
use crate::sql;

impl Turn<'_> {
    pub(super) fn insert_sms(&mut self, sms: &IncomingSms) -> Result<Outcome> {
        let peer = self.key(sms.peer)?;
        if self.is_repeated(sms, peer)? {
            return Ok(Outcome::SmsRepeated);
        }
        self.execute(
            sql::SMS_ADD,
            (
                rows::int(sms.id.0),
                rows::number(sms.own),
                peer,
                rows::wall(self.wall),
                sms.residue,
                sms.hash,
                rows::int(sms.scts_ms),
                rows::boot(sms.boot.boot),
                rows::instant(sms.boot.at),
                sms.iccid.expose(),
                sms.text.expose(),
            ),
        )?;
        self.log(EventKind::Received, sms.id, Shown::Received)?;
        let copy_of = self.pair_by_sms(sms, peer)?;
        Ok(Outcome::SmsInserted {
            id: sms.id,
            copy_of,
        })
    }

    /// By the agent's name, or as the network repeats it: nobody sends the same text
    /// twice within the second of SCTS (DELIVERY 22). Of one whose SCTS is not
    /// readable (0) the agent's name alone tells. Remembers it if not.
    fn is_repeated(&self, sms: &IncomingSms, peer: PeerKey) -> Result<bool> {
        let key = (
            &sms.spool_id,
            rows::number(sms.own),
            peer,
            rows::int(sms.scts_ms),
            rows::bits(content(sms).0),
        );
        let seen = self.one(sql::SMS_SEEN, key, |row| row.get(0))?;
        if seen == Some(true) {
            return Ok(true);
        }
        self.execute(sql::SMS_SEEN_ADD, key)?;
        self.execute(sql::SMS_SEEN_PRUNE, (rows::int(SMS_REMEMBERED),))?;
        Ok(false)
    }
}

/// Of the text as it came, with its mark: the network repeats it letter by letter.
fn content(sms: &IncomingSms) -> Digest {
    let mark = LaneSeq(sms.residue.map_or(0, |residue| u64::from(residue) + 1));
    Digest::of(sms.own, mark, sms.text.expose().as_bytes())
}
