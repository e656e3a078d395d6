//! What a client can tell besides the names below one domain: data in options, when it asks and how it spells, names below many domains.

use super::{Asked, Detector, New, weight};
use crate::alert::{self, Alert};
use crate::hash::fold;
use crate::pair::{asked_kind, count, shape};
use crate::score::{self, Around, FLEET, SPREAD, Score};
use crate::suffix::Kind;
use crate::{case, extra, names, table};

/// Bytes that a name carries at least to be counted together with others below other domains.
pub(super) const SPREADABLE: f32 = 8.0;

/// Queries with different data beside the name that are an alert.
const EXTRAS: u8 = 4;

impl Detector {
    /// What a query carries besides its name. The pair that it was charged to.
    pub(super) fn extra(&mut self, asked: &Asked<'_, '_>, known: Option<table::Place>) -> Option<table::Place> {
        let data = extra::carried(asked.observed.message)?;
        let hash = fold(self.seed.bytes(data), asked.domain);
        if self.seen.insert(hash) {
            return None;
        }
        let place = known.unwrap_or_else(|| self.open(asked));
        let pair = self.table.pair(place);
        pair.leak(asked.observed.spot.time);
        pair.new_name(asked.now, data.len() as f32);
        pair.charge(data.len() as f32);
        count(&mut pair.shapes, shape::BINARY);
        count(&mut pair.shapes, shape::EXTRA);
        if pair.shapes[shape::EXTRA] >= EXTRAS {
            let began = pair.began(asked.observed.spot.time);
            self.raise(alert::Kind::Option, asked, place, began);
        }
        Some(place)
    }

    /// A name that came before: what is left to be told is when it is asked for, and how it is spelled.
    pub(super) fn repeated(&mut self, asked: &Asked<'_, '_>, known: Option<table::Place>, mixed: bool) {
        if asked.registered.kind != Kind::Delegated || asked.observed.message.header.is_response() {
            return;
        }
        // Of a name below a domain, the client that follows it was the first to ask: others share it and are no beacons.
        let follow = known.is_some() || asked.hashed.len() == asked.registered.labels;
        let even = self.beats.hear(asked.hashed.name, asked.client, asked.observed.spot.time, follow);
        if let Some(beat) = even.filter(|_| !self.known.has(asked.domain) && self.is_alone(asked)) {
            let place = known.unwrap_or_else(|| self.open(asked));
            self.raise(alert::Kind::Beacon(beat.seconds.round() as u32), asked, place, beat.began);
        }
        let spelled = mixed && !self.seen.insert(case::spelling(self.seed.0, &asked.observed.message.question.name));
        if spelled {
            let place = known.or_else(|| self.table.find(asked.key)).unwrap_or_else(|| self.open(asked));
            let pair = self.table.pair(place);
            pair.spellings = pair.spellings.saturating_add(1);
            let spellings = pair.spellings;
            if self.habits.is_odd(asked.client, spellings) {
                let began = pair.began(asked.observed.spot.time);
                self.raise(alert::Kind::Case, asked, place, began);
            }
        }
    }

    /// No other client uses the domain.
    fn is_alone(&self, asked: &Asked<'_, '_>) -> bool {
        self.domains.get(asked.domain).is_none_or(|domain| domain.count() < 1.5)
    }

    /// An alert beside that of the score, of what began at a time.
    fn raise(&mut self, kind: alert::Kind, asked: &Asked<'_, '_>, place: table::Place, began: u64) {
        let domain = names::written(&asked.observed.message.question.name, asked.registered);
        let pair = self.table.pair(place);
        let alert = Alert::new(kind, asked.observed, domain, pair, Score::default());
        self.alerts.raise(Alert { first_seen: began, ..alert });
    }

    /// Names of the same make below many domains that one client alone uses are charged together as well.
    pub(super) fn spread(&mut self, asked: &Asked<'_, '_>, new: &New) -> Option<usize> {
        if !new.random || !self.is_alone(asked) {
            return None;
        }
        let make = u64::from(asked.observed.message.question.kind) << 16
            | (new.left as u64) << 8
            | u64::from(new.bytes.ilog2());
        self.together(asked, new, alert::Kind::Spread, fold(asked.client ^ make, self.seed.0), asked.domain)
    }

    /// Names below one domain that many clients use are charged together as well, if they look as those of hosts never do: others
    /// are what every service does that is popular.
    pub(super) fn fleet(&mut self, asked: &Asked<'_, '_>, new: &New) -> Option<usize> {
        if !new.strange || self.is_alone(asked) {
            return None;
        }
        self.together(asked, new, alert::Kind::Fleet, fold(asked.domain, self.seed.0), asked.client)
    }

    /// Charges a name to a pair of its own, in which `part` is one of those over which it is spread.
    fn together(&mut self, asked: &Asked<'_, '_>, new: &New, kind: alert::Kind, key: u64, part: u64) -> Option<usize> {
        let question = &asked.observed.message.question;
        let place = self.table.find(key).unwrap_or_else(|| self.table.insert(key, asked.now));
        let pair = self.table.pair(place);
        pair.queries = pair.queries.saturating_add(1);
        pair.leak(asked.observed.spot.time);
        pair.new_name(asked.now, new.charged);
        pair.charge(new.charged);
        count(&mut pair.asked, asked_kind(question.kind));
        for (is, at) in [(new.random, shape::RANDOM), (new.binary, shape::BINARY)] {
            if is {
                count(&mut pair.shapes, at);
            }
        }
        pair.counter |= 1 << (part >> 7 & 31);
        let volume = score::volume(pair, self.config.bytes_a_day);
        let (parts, alert) = (pair.parts(), pair.alert);
        self.table.weigh(place, weight(volume), asked.now);
        let enough = if kind == alert::Kind::Spread { SPREAD } else { FLEET };
        if alert == 0 && parts >= enough {
            let pair = self.table.pair(place);
            let score = score::score(pair, &Around { users: 1.0, ..Around::default() }, self.config.bytes_a_day);
            if score.octaves() >= 0.0 {
                let domain = names::written(&question.name, asked.registered);
                pair.alert = self.alerts.raise(Alert::new(kind, asked.observed, domain, pair, score));
            }
        }
        self.again(asked, place)
    }
}
