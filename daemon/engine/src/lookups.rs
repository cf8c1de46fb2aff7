//! Questions to the gateway whether numbers are reachable by IP.
//!
//! Owns the open questions. Keeps no answer: a cache belongs to the choice of
//! channel.

use std::collections::BTreeMap;

use twine_proto::E164;
use twine_proto::frame::{Capabilities, Lookup};

use crate::ctx::Ctx;
use crate::gate::{Effect, Fleeting};
use crate::input::{ConnId, ReplyTo};
use crate::limits::{LOOKUP_TIMEOUT, MAX_OPEN_LOOKUPS};
use crate::output::{CommandError, Reply};
use crate::time::Instant;

#[derive(Debug, Default)]
pub(crate) struct Lookups {
    open: BTreeMap<u32, (ReplyTo, Instant)>,
    last_id: u32,
}

impl Lookups {
    /// Asks; the answer, or the lack of one, is the reply. `true` if the
    /// gateway was asked.
    pub(crate) fn ask(
        &mut self,
        ctx: &mut Ctx<'_>,
        to: ReplyTo,
        numbers: Vec<E164>,
        conn: Option<ConnId>,
    ) -> bool {
        let error = match conn {
            None => CommandError::Offline,
            Some(_) if self.open.len() >= MAX_OPEN_LOOKUPS => {
                ctx.counters.busy += 1;
                CommandError::Busy("the number of open look-ups")
            }
            Some(_) if numbers.len() > twine_proto::limits::MAX_LOOKUP_NUMBERS => {
                CommandError::Invalid("too many numbers in one look-up")
            }
            Some(conn) => {
                self.last_id = self.last_id.wrapping_add(1);
                let id = self.last_id;
                self.open.insert(id, (to, ctx.now.instant + LOOKUP_TIMEOUT));
                let lookup = Lookup { id, numbers };
                ctx.at_once(Fleeting::Lookup { conn, lookup });
                return true;
            }
        };
        answer(ctx, to, Reply::Error(error));
        false
    }

    pub(crate) fn answered(&mut self, ctx: &mut Ctx<'_>, capabilities: Capabilities) {
        if let Some((to, _)) = self.open.remove(&capabilities.id) {
            answer(ctx, to, Reply::Peers(capabilities.entries));
        }
    }

    pub(crate) fn session_lost(&mut self, ctx: &mut Ctx<'_>) {
        for (_, (to, _)) in std::mem::take(&mut self.open) {
            answer(ctx, to, Reply::Error(CommandError::Offline));
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|(_, until)| *until).min()
    }

    pub(crate) fn timeout(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.instant;
        while let Some(entry) = self.open.first_entry() {
            let (to, until) = *entry.get();
            if until > now {
                break;
            }
            entry.remove();
            answer(ctx, to, Reply::Error(CommandError::Offline));
        }
    }
}

fn answer(ctx: &mut Ctx<'_>, to: ReplyTo, reply: Reply) {
    ctx.after_commit(Effect::Reply { to, reply });
}
