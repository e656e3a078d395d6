//! Which earlier handshake a session resumes, up to TLS 1.2: there the session id and the ticket are sent in the clear, when they
//! are given out and when they are shown again. RFC 5246 section 7.3, RFC 5077 section 3.
//!
//! TLS 1.3 gives tickets out encrypted, so that its resumptions lead back to nothing that was seen.

use super::Session;
use crate::certificates::CertificateId;
use crate::key::Key;
use crate::recent::Recent;
use std::sync::Arc;

/// Handshakes that may be resumed, some 100 bytes each. When as many have come together, those before the last so many are
/// forgotten: a session that is resumed is usually resumed soon.
const MAX_REMEMBERED: usize = 32_768;

/// A keyed hash of what names a session between its client and server, 0 for none.
pub type Token = u64;

/// The full handshake of a session: in which flow it was, and what the server showed.
#[derive(Clone, Debug)]
pub struct Origin {
    pub key: Key,
    pub initiator_low: bool,
    pub chain: Arc<[CertificateId]>,
}

/// Of one core.
#[derive(Default)]
pub struct Resumptions {
    origins: Recent<Origin, MAX_REMEMBERED>,
}

impl Resumptions {
    /// A session settled in this flow. The names that it was given are remembered with the handshake that it goes back to.
    pub fn remember(&mut self, session: &Session, key: &Key, initiator_low: bool) {
        let tokens = [session.session_id, session.ticket].map(|token| (token != 0).then_some(token));
        if session.established != Some(true) || session.is_tls13() || tokens == [None, None] {
            return;
        }
        let origin = match session.resumed {
            Some(false) => {
                let chain = session.certificates.as_deref().unwrap_or_default().into();
                Origin { key: *key, initiator_low, chain }
            }
            Some(true) if session.ticket != 0 => match self.origin(session) {
                Some(origin) => origin.clone(),
                None => return,
            },
            _ => return,
        };
        for token in tokens.into_iter().flatten() {
            self.origins.insert(token, origin.clone());
        }
    }

    /// The handshake that this session resumes, if it was seen.
    pub fn origin(&self, session: &Session) -> Option<&Origin> {
        if session.resumed != Some(true) || session.is_tls13() {
            return None;
        }
        let shown = session.offer.as_ref().map_or(0, |offer| offer.ticket);
        let find = |token: Token| self.origins.get(&token).filter(|_| token != 0);
        find(shown).or_else(|| find(session.session_id))
    }
}

impl Session {
    /// What the client showed for the server to take up an earlier session, where it did.
    pub fn resumed_by(&self) -> Option<&'static str> {
        let shown = self.offer.as_ref().is_some_and(|offer| offer.ticket != 0);
        self.resumed.filter(|resumed| *resumed).map(|_| match (self.is_tls13(), shown) {
            (true, _) => "psk",
            (false, true) => "ticket",
            (false, false) => "session_id",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::session::ServerFacts;

    fn session(id: Token, ticket: Token, resumed: bool) -> Session {
        let server = ServerFacts { version: 0x0303, ..ServerFacts::default() };
        Session {
            server: Some(server),
            session_id: id,
            ticket,
            resumed: Some(resumed),
            established: Some(true),
            ..Session::default()
        }
    }

    #[test]
    fn found_by_either_name_and_only_by_those_that_were_given_out() {
        let mut all = Resumptions::default();
        all.remember(&session(7, 9, false), &Key::NONE, true);
        assert!(all.origin(&session(7, 0, true)).is_some_and(|origin| origin.initiator_low));
        assert!(all.origin(&session(8, 0, true)).is_none());
        assert!(all.origin(&session(0, 0, true)).is_none());
        assert!(all.origin(&session(7, 0, false)).is_none(), "a full handshake resumes nothing");
        let unfinished = Session { established: None, ..session(5, 0, false) };
        all.remember(&unfinished, &Key::NONE, true);
        assert!(all.origin(&session(5, 0, true)).is_none());
    }

    #[test]
    fn a_ticket_given_out_again_leads_to_the_same_handshake() {
        let mut all = Resumptions::default();
        all.remember(&session(7, 0, false), &Key::NONE, true);
        all.remember(&session(7, 11, true), &Key::NONE, false);
        assert!(all.origins.get(&11).is_some_and(|origin| origin.initiator_low));
    }
}
