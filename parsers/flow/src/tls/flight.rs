//! How much the server sends, hidden, before it hears of the client again: in TLS 1.3 that is EncryptedExtensions, perhaps a
//! CertificateRequest, Certificate, CertificateVerify and Finished (RFC 8446 section 2). So the size says how long its chain can be.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flight {
    bytes: u32,
    is_whole: bool,
}

impl Flight {
    /// A protected record of the server. `content` is what it holds without type and tag.
    pub fn server(&mut self, content: u16) {
        if !self.is_whole {
            self.bytes = self.bytes.saturating_add(content.into());
        }
    }

    /// The client answers.
    pub fn end(&mut self) {
        self.is_whole = true;
    }

    /// A part of it is missing.
    pub fn lost(&mut self) {
        if !self.is_whole {
            *self = Self { bytes: 0, is_whole: true };
        }
    }

    /// Bytes of messages, padding included, once all of them were seen.
    pub fn bytes(self) -> Option<u32> {
        (self.is_whole && self.bytes > 0).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_once_the_client_answers_and_unknown_after_a_loss() {
        let mut flight = Flight::default();
        flight.server(100);
        flight.server(900);
        assert_eq!(flight.bytes(), None);
        flight.end();
        flight.server(79);
        flight.lost();
        assert_eq!(flight.bytes(), Some(1000));
        let mut cut = Flight::default();
        cut.server(100);
        cut.lost();
        cut.server(100);
        cut.end();
        assert_eq!(cut.bytes(), None);
    }
}
