//! The detector: messages in packet order, alerts out.

mod besides;

use crate::alert::{self, Alert, Alerts, Spot};
use crate::beats::Beats;
use crate::case::{self, Habits};
use crate::code;
use crate::domains::Domains;
use crate::hash::{Hashed, Seed, fold};
use crate::known::Known;
use crate::names;
use crate::pair::{Pair, answered, asked, asked_kind, count, shape};
use crate::score::{self, Around, LEAST_NAMES};
use crate::seen::Seen;
use crate::suffix::{Kind, Registered, Suffixes};
use crate::table::{self, Table, WEIGHTS_OF_OCTAVE};
use crate::time::ticks;
use transitproof_wire::dns::{Message, kind};

#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Pairs of client and registered domain that are followed at a time.
    pub pairs: usize,
    /// Sensitivity: a client that gives away so many bytes a day in new names under one domain is an alert, without any other
    /// evidence for or against it.
    pub bytes_a_day: f32,
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { pairs: 65_536, bytes_a_day: 2600.0, seed: 0x6a09_e667_f3bc_c908 }
    }
}

/// Octaves below the threshold at which a pair is not worth a score: no evidence is worth more.
const HOPELESS: f32 = -8.5;

/// Seconds that answers may be kept for which hardly any host asks, and such as are usual.
const SHORT: u32 = 5;
const LONG: u32 = 60;

/// Labels of more bytes are not remembered: they come once.
const REMEMBERED: usize = 16;

/// One message as it was seen.
pub struct Observed<'a, 'p> {
    /// Address of the one who asks.
    pub client: [u64; 2],
    pub message: &'a Message<'p>,
    pub spot: Spot,
    /// Of an answer: its query was seen as well.
    pub asked: bool,
}

pub struct Detector {
    config: Config,
    seed: Seed,
    suffixes: Suffixes,
    known: Known,
    pub(crate) table: Table,
    pub(crate) domains: Domains,
    pub(crate) seen: Seen,
    beats: Beats,
    habits: Habits,
    /// Of the latest query, see [`Self::awaits`].
    awaits: bool,
    pub alerts: Alerts,
}

/// What a new name came to.
struct New {
    charged: f32,
    /// Random characters for the most part, and no known service.
    random: bool,
    binary: bool,
    /// Of a type or with bytes of which hosts make no use.
    strange: bool,
    /// Labels left of the registered domain, and their bytes.
    left: usize,
    bytes: usize,
}

/// A volume as it is kept for the choice of whom to forget.
fn weight(volume: f32) -> u8 {
    ((volume + 20.0) * WEIGHTS_OF_OCTAVE).clamp(0.0, 255.0) as u8
}

/// A question on its way through the detector.
struct Asked<'a, 'p> {
    now: u32,
    client: u64,
    observed: &'a Observed<'a, 'p>,
    hashed: Hashed,
    registered: Registered,
    domain: u64,
    /// Of the pair.
    key: u64,
}

impl Detector {
    pub fn new(config: Config) -> Self {
        let seed = Seed(config.seed);
        let buckets = config.pairs.next_power_of_two();
        Self {
            config,
            seed,
            suffixes: Suffixes::new(seed),
            known: Known::new(seed),
            table: Table::new(config.pairs),
            domains: Domains::new(config.pairs / 4),
            // A bucket of 16 bytes for a pair: eight names or labels each.
            seen: Seen::new(buckets),
            beats: Beats::default(),
            habits: Habits::default(),
            awaits: true,
            alerts: Alerts::default(),
        }
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn weight_of(&self, pair: &Pair) -> u8 {
        weight(score::volume(pair, self.config.bytes_a_day))
    }

    /// Pairs that made room for others although something had been charged to them.
    pub fn forgotten(&self) -> u64 {
        self.table.forgotten
    }

    /// Whether the answer to a query has to be looked at as well: there is a pair that it belongs to.
    #[inline]
    pub fn awaits(&self) -> bool {
        self.awaits
    }

    /// One message, in packet order; the number of the alert that it is a part of, from 0.
    pub fn message(&mut self, observed: &Observed<'_, '_>) -> Option<usize> {
        let name = &observed.message.question.name;
        if name.is_empty() {
            self.awaits = false;
            return None;
        }
        let hashed = Hashed::new(self.seed, name);
        let registered = self.suffixes.registered(&hashed);
        let domain = match registered.kind {
            Kind::Undelegated => fold(self.seed.0, 0),
            _ => hashed.tail(registered.labels),
        };
        let client = fold(observed.client[0] ^ self.seed.0, observed.client[1]);
        let key = fold(client, domain);
        let asked = Asked { now: ticks(observed.spot.time), client, observed, hashed, registered, domain, key };
        if observed.message.header.is_response() {
            self.answer(&asked)
        } else if registered.kind != Kind::Undelegated {
            self.question(&asked)
        } else {
            // Below no zone, a name reaches nobody but the resolver: it counts if that knows an answer.
            self.awaits = true;
            None
        }
    }

    /// A place for a pair of which there is something to remember.
    #[inline(never)]
    fn open(&mut self, asked: &Asked<'_, '_>) -> table::Place {
        self.domains.at(asked.domain, asked.now).users |= 1 << (asked.client & 63);
        let place = self.table.insert(asked.key, asked.now);
        self.table.pair(place).begin(asked.observed.spot.time);
        place
    }

    fn question(&mut self, asked: &Asked<'_, '_>) -> Option<usize> {
        let labels = asked.hashed.len().saturating_sub(asked.registered.labels);
        let known = self.table.find(asked.key);
        if let Some(place) = known {
            let pair = self.table.pair(place);
            pair.queries = pair.queries.saturating_add(1);
            count(&mut pair.asked, asked_kind(asked.observed.message.question.kind));
        }
        if let Some(place) = self.extra(asked, known) {
            return self.judge(asked, place);
        }
        let repeated = self.seen.insert(asked.hashed.name);
        let mixed = asked.hashed.capitals && case::is_mixed(&asked.observed.message.question.name);
        self.habits.note(asked.client, mixed);
        if repeated {
            self.repeated(asked, known, mixed);
        }
        self.awaits = known.is_some() || labels > 0 && !repeated;
        if labels == 0 || repeated {
            return known.and_then(|place| self.again(asked, place));
        }
        let place = known.unwrap_or_else(|| self.open(asked));
        let new = self.new_name(asked, place, labels);
        let alert = self.judge(asked, place);
        if alert.is_none() && new.charged >= besides::SPREADABLE && asked.registered.kind == Kind::Delegated {
            return self.spread(asked, &new).or_else(|| self.fleet(asked, &new));
        }
        alert
    }

    /// Charges what a new name can carry.
    fn new_name(&mut self, asked: &Asked<'_, '_>, place: table::Place, labels: usize) -> New {
        let question = &asked.observed.message.question;
        let name = &question.name;
        let left = name.len() - asked.registered.labels;
        let (mut cost, mut random, mut binary, mut bytes, mut fresh) = (0, false, false, 0, left);
        let pair = self.table.pair(place);
        for at in 0..left {
            let label = name.label(at);
            let told = code::label(label);
            let mut label_cost = names::counting(pair, at, label).map_or(told.cost, |cost| cost.min(told.cost));
            if at + labels >= left && label.len() <= REMEMBERED {
                if self.seen.insert(fold(self.seed.label(label), asked.domain)) {
                    // Which of the known ones it is.
                    label_cost = label_cost.min(16 * (u16::BITS - pair.labels.leading_zeros()));
                    fresh -= 1;
                } else {
                    pair.labels = pair.labels.saturating_add(1);
                }
            }
            cost += label_cost;
            random |= told.random;
            binary |= told.binary;
            bytes += label.len();
        }
        let charged = cost as f32 / 128.0;
        pair.leak(asked.observed.spot.time);
        pair.new_name(asked.now, charged);
        pair.charge(charged);
        if pair.queries == 0 {
            pair.queries = 1;
            count(&mut pair.asked, asked_kind(question.kind));
        }
        let looks = names::look(name, left);
        for (is, at) in [
            (random, shape::RANDOM),
            (binary, shape::BINARY),
            (looks.address, shape::ADDRESS),
            (looks.service, shape::SERVICE),
            (bytes >= 100, shape::LONG),
            (looks.domain, shape::DOMAIN),
            (fresh == 1, shape::SINGLE),
        ] {
            if is {
                count(&mut pair.shapes, at);
            }
        }
        names::counted(pair, name, left);
        let rare = matches!(asked_kind(question.kind), asked::RARE | asked::NAMES);
        let strange = (rare || binary) && !looks.service;
        New { charged, random: random && !looks.service, binary, strange, left, bytes }
    }

    fn answer(&mut self, asked: &Asked<'_, '_>) -> Option<usize> {
        let message = asked.observed.message;
        let code = message.header.flags & 15;
        if asked.registered.kind == Kind::Undelegated {
            if code != 0 {
                return None;
            }
            self.question(asked);
        } else if !asked.observed.asked {
            self.question(asked);
        }
        let place = self.table.find(asked.key)?;
        let (mut data, mut fresh, mut down, mut listed, mut ttl) = (false, false, 0, false, u32::MAX);
        for record in message.answers() {
            data = true;
            ttl = ttl.min(record.ttl);
            listed |= record.kind == kind::A && record.data.first() == Some(&127);
            // An address that may be kept is one; and names that lead to it are of the provider's choice.
            let carries = match record.kind {
                kind::A | kind::AAAA => record.ttl <= SHORT,
                kind::CNAME => asked_kind(message.question.kind) == asked::NAMES,
                kind::RRSIG | kind::DNSKEY | kind::DS => false,
                _ => true,
            };
            if carries && !self.seen.insert(fold(self.seed.bytes(record.data), asked.domain)) {
                fresh = true;
                down += record.data.len();
            }
        }
        let pair = self.table.pair(place);
        let outcome = match (code, data) {
            (0, true) => answered::DATA,
            (0, false) => answered::NOTHING,
            (3, _) => answered::NO_SUCH_NAME,
            _ => answered::FAILURE,
        };
        count(&mut pair.answered, outcome);
        for (is, at) in [
            (data && ttl <= SHORT, answered::SHORT),
            (data && ttl >= LONG, answered::LONG),
            (listed, answered::LISTED),
            (fresh, answered::FRESH),
        ] {
            if is {
                count(&mut pair.answered, at);
            }
        }
        if down > 0 {
            pair.leak(asked.observed.spot.time);
            pair.charge_down(down as f32);
            return self.judge(asked, place);
        }
        self.again(asked, place)
    }

    /// More of a pair that may be an alert already.
    fn again(&mut self, asked: &Asked<'_, '_>, place: table::Place) -> Option<usize> {
        let pair = self.table.pair(place);
        if pair.alert == 0 {
            return None;
        }
        self.alerts.again(pair, asked.observed.spot.time);
        Some(usize::from(pair.alert) - 1)
    }

    fn judge(&mut self, asked: &Asked<'_, '_>, place: table::Place) -> Option<usize> {
        let pair = self.table.pair(place);
        if pair.alert > 0 {
            return self.again(asked, place);
        }
        let volume = score::volume(pair, self.config.bytes_a_day);
        let few = pair.names < LEAST_NAMES;
        self.table.weigh(place, weight(volume), asked.now);
        if volume < HOPELESS || few {
            return None;
        }
        let mut users = 1.0;
        if asked.registered.kind != Kind::Undelegated {
            users = self.domains.at(asked.domain, asked.now).count();
        }
        let around =
            Around { users, known: self.known.has(asked.domain), reverse: asked.registered.kind == Kind::Reverse };
        let pair = self.table.pair(place);
        let score = score::score(pair, &around, self.config.bytes_a_day);
        if score.octaves() < 0.0 {
            return None;
        }
        let name = &asked.observed.message.question.name;
        let domain = names::written(name, asked.registered);
        let kind = if score::is_flood(pair) { alert::Kind::Flood } else { alert::Kind::Tunnel };
        pair.alert = self.alerts.raise(Alert::new(kind, asked.observed, domain, pair, score));
        self.again(asked, place)
    }
}

#[cfg(test)]
mod many_tests;
#[cfg(test)]
pub mod tests;
