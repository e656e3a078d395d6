//! A login of a flow whose other facts were told before.

use super::Context;
use crate::clear::Clear;
use crate::entry::Entry;
use crate::json;

/// The first of HTTP's own members: in front of it stands the way to it (`via`), in records and facts alike.
const OWN: &[u8] = b"\"http\":{";

impl Context {
    /// The login becomes a member of the flow's record, and an observation by itself.
    pub fn add_login(&mut self, entry: &mut Entry, login: &Clear) {
        let known = self.fragments.get(entry.fragment);
        let (way, own) = known.split_at(memchr::memmem::find(known, OWN).unwrap_or(known.len()));
        let way = way.strip_suffix(b",").unwrap_or(way);
        let mut record = way.to_vec();
        login.write_record(&mut record);
        if !own.is_empty() {
            record.push(b',');
            record.extend_from_slice(own);
        }
        // Without a class: by that the flow was judged before, and counted.
        let mut facts = b"{".to_vec();
        json::word(&mut facts, "protocol", entry.protocol.name());
        if !way.is_empty() {
            facts.push(b',');
            facts.extend_from_slice(way);
        }
        login.write_facts(&mut facts);
        facts.push(b'}');
        let volume = self.fragments.volume(entry.fragment);
        let before = std::mem::replace(&mut entry.fragment, self.fragments.hold(&record, volume));
        self.fragments.release(before);
        if self.judges(entry) {
            self.notice_in(self.frame, entry, &facts, 0);
        }
    }
}
