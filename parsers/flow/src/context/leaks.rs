//! What passes tunnels by, as flows end: see [`crate::leak`].

use super::Context;
use crate::entry::Entry;
use crate::ike::Inside;
use crate::ipsec::Ipsec;
use crate::leak::{Leaks, Policy};

impl Context {
    /// Made when there is something to look for.
    pub fn leaks(&mut self) -> &mut Leaks {
        let shared = self.said.is_some();
        self.leaks.get_or_insert_with(|| {
            let mut leaks = Box::<Leaks>::default();
            if shared {
                leaks.share();
            }
            leaks
        })
    }

    /// The traffic that child SAs are for, where keys showed it.
    pub fn learn_selectors(&mut self, ipsec: &mut Ipsec) {
        let children = ipsec.ike.iter().filter_map(|ike| ike.inside()).flat_map(Inside::children);
        for child in children.skip(ipsec.learnt) {
            ipsec.learnt += 1;
            let (sides, text) = child.policy();
            if let Some(policy) = Policy::learned(text, sides, self.time)
                && !self.leaks().add(policy)
            {
                self.totals.limit("leak_policies");
            }
        }
    }

    /// A flow that is wanted ended, or has lasted long.
    pub(super) fn pass_by(&mut self, entry: &Entry) {
        if self.said.is_some() && self.certificates.keys.as_ref().is_some_and(|keys| keys.ipsec.has_ike()) {
            self.leaks().expect(); // another core may learn selectors first
        }
        if entry.key.tunnel() != 0 && self.tunnels.is_protected(entry.key.tunnel()) {
            self.leaks().ended_inside(entry);
        } else if let Some(leaks) = &mut self.leaks
            && !leaks.ended_outside(entry, self.time)
        {
            self.totals.limit("leak_waiting");
        }
    }

    /// Counts the leaks among flows that have waited long enough by a time, or among all.
    pub fn tell_leaks(&mut self, by: Option<u64>) {
        let Some(leaks) = &mut self.leaks else { return };
        for (entry, facts) in leaks.told(by) {
            self.notice(&entry, &facts, 0);
        }
    }
}
