//! Whether a TLS 1.3 client was asked for a certificate, showed one, and was taken, by the sizes of encrypted records.
//!
//! A client that is asked must answer with a Certificate, be it empty, and one that is not asked must not (RFC 8446 section
//! 4.4.2). So its flight is a Finished, whose length is known, or that and more. A server that refuses says so in an alert,
//! which has a length that nothing else has there: tickets and data are longer.

/// Certificate without an entry: header, length of the context, length of the list.
const EMPTY_CERTIFICATE: u16 = 4 + 1 + 3;
/// A Certificate with the shortest entry in use, a raw P-256 key (RFC 7250): header, lengths, 91 bytes.
const SHORTEST_CERTIFICATE: u16 = EMPTY_CERTIFICATE + 3 + 91 + 2;
const ALERT: u16 = 2;
/// Records of the client that are waited through for the server's answer: a chain of 64 KB in four, and a request behind.
const MAX_RECORDS: u8 = 16;

/// What the client answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has no certificate.
    Absent,
    Presented,
}

/// How far the exchange has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutual {
    #[default]
    Awaited,
    /// Not asked, or nobody can say.
    Nothing,
    /// The empty Certificate in a record of its own: a Finished must follow.
    Empty,
    /// Answered, this many records ago.
    Pending(Answer, u8),
    /// Whether the server refused, unless it did not show.
    Over(Answer, Option<bool>),
}

impl Mutual {
    /// A protected record of the client. `content` is what it holds without type and tag, `finished` the length of a Finished.
    pub fn client(&mut self, content: u16, finished: u16) {
        *self = match *self {
            Self::Awaited if content == EMPTY_CERTIFICATE => Self::Empty,
            Self::Awaited if content == EMPTY_CERTIFICATE + finished => Self::Pending(Answer::Absent, 0),
            Self::Awaited if content >= SHORTEST_CERTIFICATE => Self::Pending(Answer::Presented, 0),
            Self::Empty if content == finished => Self::Pending(Answer::Absent, 0),
            Self::Awaited | Self::Empty => Self::Nothing,
            Self::Pending(answer, MAX_RECORDS) => Self::Over(answer, None),
            Self::Pending(answer, records) => Self::Pending(answer, records + 1),
            other => other,
        };
    }

    /// A protected record of the server.
    pub fn server(&mut self, content: u16) {
        if let Self::Pending(answer, _) = *self {
            *self = Self::Over(answer, Some(content == ALERT));
        }
    }

    /// What comes next cannot be told.
    pub fn stop(&mut self) {
        *self = match *self {
            Self::Pending(answer, _) => Self::Over(answer, None),
            Self::Awaited | Self::Empty => Self::Nothing,
            other => other,
        };
    }

    /// The server's answer is still to come.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Empty | Self::Pending(..))
    }

    pub fn is_refused(self) -> bool {
        matches!(self, Self::Over(_, Some(true)))
    }

    /// In the words of the record.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Over(_, Some(true)) => Some("refused"),
            Self::Over(Answer::Absent, _) | Self::Pending(Answer::Absent, _) => Some("absent"),
            Self::Over(Answer::Presented, Some(false)) => Some("accepted"),
            Self::Over(Answer::Presented, None) | Self::Pending(Answer::Presented, _) => Some("presented"),
            Self::Awaited | Self::Nothing | Self::Empty => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256: 4 bytes of header and 32.
    const FINISHED: u16 = 36;

    fn after(client: &[u16], server: Option<u16>) -> Option<&'static str> {
        let mut mutual = Mutual::default();
        client.iter().for_each(|content| mutual.client(*content, FINISHED));
        server.into_iter().for_each(|content| mutual.server(content));
        mutual.word()
    }

    #[test]
    fn the_flight_tells_the_answer_and_the_next_record_what_came_of_it() {
        for (client, server, word) in [
            (&[FINISHED][..], Some(200), None),
            (&[8, FINISHED], Some(200), Some("absent")),
            (&[8 + FINISHED], Some(200), Some("absent")),
            (&[8, FINISHED], Some(2), Some("refused")),
            (&[800, 79, FINISHED], Some(200), Some("accepted")),
            (&[800, 79, FINISHED], Some(2), Some("refused")),
            (&[800, 79, FINISHED], None, Some("presented")),
            // In one record, as BoringSSL sends them.
            (&[915, 300], Some(200), Some("accepted")),
            // An alert of the client itself, padding, data behind an empty Certificate: nobody can say.
            (&[2], Some(2), None),
            (&[60], Some(200), None),
            (&[8, 300], Some(200), None),
            (&[], Some(2), None),
        ] {
            assert_eq!(after(client, server), word, "{client:?} {server:?}");
        }
    }

    #[test]
    fn a_server_that_stays_silent_is_not_waited_for_without_end() {
        let mut mutual = Mutual::default();
        for _ in 0..=MAX_RECORDS {
            mutual.client(900, FINISHED);
            assert!(mutual.is_pending());
        }
        mutual.client(900, FINISHED);
        assert!(!mutual.is_pending());
        assert_eq!(mutual.word(), Some("presented"));
    }

    #[test]
    fn after_a_loss_only_what_was_seen_counts() {
        let mut mutual = Mutual::default();
        mutual.client(900, FINISHED);
        mutual.stop();
        mutual.server(2);
        assert_eq!(mutual.word(), Some("presented"));
        let mut early = Mutual::default();
        early.stop();
        early.client(900, FINISHED);
        assert_eq!(early.word(), None);
    }
}
