//! What becomes of a flow of which nothing more is to be learnt: its facts are counted, its record's middle part is kept.
//!
//! Most wait until some have come together. Telling their facts takes more code than the processor's first cache holds besides
//! what reads packets: it is fetched once for all of them instead of once for each.

use super::Context;
use crate::conversation::{Conversation, Follower};
use crate::entry::{Entry, Phase, mark};
use crate::intern::{FragmentId, TO_COME};
use crate::record;
use crate::tls::Volume;
use transitproof_wire::Class;

/// A flow that waits, as it was when it settled.
pub struct Postponed {
    pub entry: Entry,
    conversation: Box<Conversation>,
    frame: u64,
}

impl Context {
    /// Nothing more is to be learnt of the flow. Whoever has its conversation hands it to [`Self::leave`].
    pub fn settle(&mut self, entry: &mut Entry, conversation: Option<&Conversation>) {
        self.conclude(entry, conversation);
        // Tunnels are told as their peers go on; of what is unknown there is nothing to tell.
        let waits = conversation.is_some_and(|c| !matches!(c.follower, Follower::Ipsec(_)));
        if waits && entry.class() != Class::Unknown {
            entry.fragment = TO_COME;
        } else {
            self.tell(entry, conversation);
        }
    }

    /// The same, with nothing put off: the flow ends, or nobody hands in its conversation.
    pub fn settle_now(&mut self, entry: &mut Entry, conversation: Option<&Conversation>) {
        self.conclude(entry, conversation);
        self.tell(entry, conversation);
    }

    /// A last look at what was heard has settled the flow, perhaps.
    pub(super) fn settle_at_last(&mut self, entry: &mut Entry, conversation: &Conversation) {
        if entry.fragment == TO_COME {
            self.tell(entry, Some(conversation));
        }
    }

    /// A packet of the flow is done with: its conversation goes on, waits to be told, or is over.
    #[inline]
    pub fn leave(&mut self, entry: &mut Entry, conversation: Box<Conversation>) {
        if entry.phase.is_heard() {
            entry.conversation = Some(conversation);
        } else if entry.fragment == TO_COME {
            self.postponed.push(Postponed { entry: entry.outline(), conversation, frame: self.frame });
        }
    }

    /// Tells the facts of those that wait, in their order; the entries in the list have the numbers of their fragments then.
    pub fn tell_postponed(&mut self) {
        let mut all = std::mem::take(&mut self.postponed);
        let here = self.frame;
        for flow in all.iter_mut().filter(|flow| flow.entry.fragment == TO_COME) {
            self.frame = flow.frame;
            self.tell(&mut flow.entry, Some(&flow.conversation));
        }
        self.frame = here;
        self.postponed = all;
    }

    /// The fragment of a flow of which more has to be told already.
    pub(super) fn fragment_now(&mut self, entry: &mut Entry) -> FragmentId {
        if entry.fragment == TO_COME {
            self.tell_postponed();
            let told = self.postponed.iter().rfind(|flow| flow.entry.key.equals(&entry.key));
            entry.fragment = told.map_or(0, |flow| flow.entry.fragment);
        }
        entry.fragment
    }

    fn conclude(&mut self, entry: &mut Entry, conversation: Option<&Conversation>) {
        entry.phase = Phase::Settled;
        if conversation.is_some_and(|c| c.turned) {
            entry.turn();
        }
        if let Some(Conversation { follower: Follower::Ipsec(ipsec), .. }) = conversation
            && ipsec.is_inferred(entry.key.transport())
        {
            entry.marks |= mark::INFERRED;
        }
    }

    fn tell(&mut self, entry: &mut Entry, conversation: Option<&Conversation>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(conversation) = conversation {
            record::middle(conversation, &self.certificates, &mut scratch);
        }
        let session = conversation.and_then(record::session);
        entry.fragment = self.fragments.hold(&scratch, session.map(Volume::of).unwrap_or_default());
        self.scratch = scratch;
        match conversation.map(|c| &c.follower) {
            Some(Follower::Ipsec(ipsec)) if ipsec.is_unanswered() || ipsec.counted > 0 && !ipsec.has_late_facts() => {}
            _ => self.observe(entry, conversation),
        }
        if let Some(session) = session {
            self.certificates.resumptions.remember(session, &entry.key, entry.has(mark::INITIATOR_LOW));
        }
    }
}
