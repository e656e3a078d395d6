//! Key logs as NSS writes them: a line a secret, `LABEL client_random secret`, in hex. RFC 9850.
//!
//! Of all labels only the two of the handshake are kept. What is wrong with a line is counted, never shown. Lines of the tables
//! with keys of IKE and ESP may stand in between.

use super::ipsec::{IpsecKeys, Took, is_of_table};
use super::{Secret, Secrets};
use crate::hash::Map;
use crate::json;
use zeroize::Zeroize;

/// Sessions whose secrets are kept: some 40 MB, and ten times what a gigabyte of capture has in handshakes.
const MAX_SESSIONS: usize = 1 << 18;
/// Secrets that are tried on sessions whose hello may be hidden, in all: some seconds.
const MAX_TRIALS: usize = 1 << 20;
/// The longest line with a secret is 162 bytes; what is longer than this is no line of a key log.
pub const MAX_LINE: usize = 1024;

pub type ClientRandom = [u8; 32];

#[derive(Default)]
pub struct KeyLog {
    sessions: Map<ClientRandom, Secrets>,
    pub ipsec: IpsecKeys,
    /// Handshake traffic secrets kept.
    secrets: u64,
    malformed: u64,
    /// Secrets not kept because there were too many.
    pub limited: u64,
    /// Sessions that were opened, and those to which their keys do not fit.
    pub opened: u64,
    pub unfit: u64,
    trials: usize,
    /// Sessions for which the log was not looked through, because of [`MAX_TRIALS`].
    pub untried: u64,
}

impl KeyLog {
    /// Takes in a whole key log.
    pub fn read(&mut self, text: &[u8]) {
        text.split(|byte| *byte == b'\n').for_each(|line| self.line(line));
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return;
        }
        if is_of_table(line) {
            match self.ipsec.line(line) {
                Took::Kept => self.secrets += 1,
                Took::Passed => {}
                Took::Malformed => self.malformed += 1,
                Took::Limited => self.limited += 1,
            }
            return;
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let (Some(label), Some(random), Some(secret), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            self.malformed += 1;
            return;
        };
        let side = match label {
            b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => 0,
            b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => 1,
            // Secrets of other purposes, or of later documents: not wanted, and not wrong.
            _ if label.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_') => return,
            _ => {
                self.malformed += 1;
                return;
            }
        };
        // Logs that went through a shell continue their lines.
        let secret = secret.strip_suffix(b"\\").unwrap_or(secret);
        match (hex::<32>(random), secret_of_hex(secret)) {
            (Some((random, 32)), Some(secret)) => self.keep(random, side, secret),
            _ => self.malformed += 1,
        }
    }

    /// Something was opened with keys that were given for it, or not.
    pub fn told(&mut self, opened: bool) {
        *(if opened { &mut self.opened } else { &mut self.unfit }) += 1;
    }

    /// A line too long to be one.
    pub fn overlong(&mut self) {
        self.malformed += 1;
    }

    fn keep(&mut self, random: ClientRandom, side: usize, secret: Secret) {
        if self.sessions.len() >= MAX_SESSIONS && !self.sessions.contains_key(&random) {
            self.limited += 1;
            return;
        }
        if let Some(place) = self.sessions.entry(random).or_default().get_mut(side)
            && place.replace(secret).is_none()
        {
            self.secrets += 1;
        }
    }

    pub fn secrets(&self, random: &ClientRandom) -> Option<&Secrets> {
        self.sessions.get(random)
    }

    /// The session whose server's secret opens something, whatever random it stands under. All are tried or none, so that the outcome
    /// does not depend on their order.
    pub fn search(&mut self, mut opens: impl FnMut(&Secret) -> bool) -> Option<&Secrets> {
        if self.trials + self.sessions.len() > MAX_TRIALS {
            self.untried += 1;
            return None;
        }
        self.trials += self.sessions.len();
        self.sessions.values().find(|[_, server]| server.as_ref().is_some_and(&mut opens))
    }

    /// `"keys":{…}` of the summary; of several cores, each of which was given all secrets. Nothing if there are none.
    pub fn write<'a>(mut logs: impl Iterator<Item = &'a Self>, out: &mut Vec<u8>) {
        let Some(first) = logs.next() else { return };
        let sum = |(opened, unfit), log: &Self| (opened + log.opened, unfit + log.unfit);
        let (opened, unfit) = logs.fold((first.opened, first.unfit), sum);
        json::key(out, "keys");
        out.push(b'{');
        for (name, count) in
            [("secrets", first.secrets), ("malformed", first.malformed), ("decrypted", opened), ("unfit", unfit)]
        {
            json::number(out, name, count);
        }
        out.push(b'}');
    }
}

fn secret_of_hex(text: &[u8]) -> Option<Secret> {
    let (mut bytes, length) = hex::<{ super::MAX_HASH }>(text)?;
    let secret = bytes.get(..length).and_then(Secret::new);
    bytes.zeroize();
    secret
}

/// Up to `N` bytes in hex, and how many they are.
pub(super) fn hex<const N: usize>(text: &[u8]) -> Option<([u8; N], usize)> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > N {
        return None;
    }
    let mut out = [0; N];
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        let (high, low) = (char::from(*high).to_digit(16)?, char::from(*low).to_digit(16)?);
        *to = (high << 4 | low) as u8;
    }
    Some((out, pairs.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, random: u8, length: usize) -> String {
        format!("{label} {} {}", format!("{random:02x}").repeat(32), "ab".repeat(length))
    }

    #[test]
    fn handshake_secrets_are_kept_others_passed_over() {
        let mut log = KeyLog::default();
        let (client, server) =
            (line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 32), line("SERVER_HANDSHAKE_TRAFFIC_SECRET", 1, 48));
        let other = line("CLIENT_RANDOM", 2, 48);
        log.read(format!("# SSL key log\n\n{client}\r\n{server}\\\n{other}\nEXPORTER_SECRET x y\n").as_bytes());
        let secrets = log.secrets(&[1; 32]).unwrap();
        assert_eq!(secrets.each_ref().map(|s| s.as_ref().unwrap().bytes().len()), [32, 48]);
        assert!(log.secrets(&[2; 32]).is_none());
        assert_eq!((log.secrets, log.malformed), (2, 0));
    }

    #[test]
    fn what_is_no_line_is_counted() {
        let mut log = KeyLog::default();
        let good = line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1, 32);
        for end in 1..good.len() {
            log.line(&good.as_bytes()[..end]);
        }
        // A label cut short is a label of another purpose; with its other words gone it is malformed all the same.
        assert_eq!((log.secrets, log.malformed as usize), (0, good.len() - 1));
        for wrong in ["client_random 00 00", "\0\u{fe}", "CLIENT_HANDSHAKE_TRAFFIC_SECRET zz zz", "a b c d"] {
            log.line(wrong.as_bytes());
        }
        assert_eq!(log.malformed as usize, good.len() + 3);
    }

    #[test]
    fn searches_are_bounded_and_try_all_or_none() {
        let mut log = KeyLog::default();
        for n in 0..3 {
            log.keep([n; 32], 1, Secret::new(&[n; 32]).unwrap());
        }
        assert!(log.search(|secret| secret.bytes() == [2; 32]).is_some());
        assert!(log.search(|_| false).is_none());
        log.trials = MAX_TRIALS - 3;
        assert!(log.search(|_| true).is_some());
        assert!(log.search(|_| unreachable!()).is_none());
        assert_eq!((log.untried, log.trials), (1, MAX_TRIALS));
    }

    #[test]
    fn sessions_are_bounded() {
        let mut log = KeyLog::default();
        for n in 0..MAX_SESSIONS + 3 {
            let mut random = [0; 32];
            random[..8].copy_from_slice(&(n as u64).to_be_bytes());
            log.keep(random, 0, Secret::new(&[7; 32]).unwrap());
        }
        assert_eq!((log.sessions.len(), log.limited), (MAX_SESSIONS, 3));
    }
}
