//! Alerts: pairs whose score reached the threshold, counted on until they are taken.

use crate::detector::Observed;
use crate::pair::Pair;
use crate::score::Score;

/// Alerts kept; more at once are an attack on whoever reads them.
pub const MAX_ALERTS: usize = 4096;

/// Where a message was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// ns since the epoch.
    pub time: u64,
    /// Number in the capture.
    pub frame: u64,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One client and one domain.
    Tunnel,
    /// One client and names of the same make below many domains that nobody else uses.
    Spread,
    /// One domain and the names of many clients, of which the latest is named.
    Fleet,
    /// Short random names in quick succession that nobody resolves: an attack on the servers of the domain looks so.
    Flood,
    /// Data in options or records of queries.
    Option,
    /// Names that differ in the case of their letters alone.
    Case,
    /// A name that is asked for at even intervals, so many seconds apart.
    Beacon(u32),
}

#[derive(Clone, Debug)]
pub struct Alert {
    pub kind: Kind,
    /// About how many domains or clients it is spread over.
    pub parts: u32,
    pub client: [u64; 2],
    pub domain: String,
    /// Packet times, ns: of the first message that counted, of the one that was too much, of the latest.
    pub first_seen: u64,
    pub first_alert: u64,
    pub last_seen: u64,
    pub score: Score,
    pub bytes_up: f32,
    pub bytes_down: f32,
    pub queries: u32,
    pub names: u32,
}

impl Alert {
    /// Beacons below one domain are one alert, whatever their intervals.
    fn is_about(&self, other: &Self) -> bool {
        let kind = std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind);
        kind && self.client == other.client && self.domain == other.domain
    }

    /// A pair that was forgotten in between has begun to count anew.
    fn more(&mut self, time: u64, queries: u32, names: u32) {
        self.last_seen = self.last_seen.max(time);
        self.queries = self.queries.max(queries);
        self.names = self.names.max(names);
    }

    pub fn new(kind: Kind, observed: &Observed<'_, '_>, domain: String, pair: &Pair, score: Score) -> Self {
        Self {
            kind,
            parts: if matches!(kind, Kind::Spread | Kind::Fleet) { pair.parts() } else { 1 },
            client: observed.client,
            domain,
            first_seen: pair.began(observed.spot.time),
            first_alert: observed.spot.time,
            last_seen: observed.spot.time,
            score,
            bytes_up: pair.up_total,
            bytes_down: pair.down_total,
            queries: pair.queries,
            names: pair.names,
        }
    }
}

#[derive(Default)]
pub struct Alerts {
    all: Vec<Alert>,
    /// Not kept because of [`MAX_ALERTS`].
    pub limited: u64,
}

impl Alerts {
    /// The number of the alert, from 1.
    pub fn raise(&mut self, alert: Alert) -> u16 {
        if let Some(at) = self.all.iter().position(|a| a.is_about(&alert)) {
            self.all[at].more(alert.last_seen, alert.queries, alert.names);
            return at as u16 + 1;
        }
        if self.all.len() >= MAX_ALERTS {
            self.limited += 1;
            return u16::MAX;
        }
        self.all.push(alert);
        self.all.len() as u16
    }

    /// More came of a pair that is an alert already.
    pub fn again(&mut self, pair: &Pair, time: u64) {
        if let Some(alert) = self.all.get_mut(usize::from(pair.alert) - 1) {
            alert.more(time, pair.queries, pair.names);
            (alert.bytes_up, alert.bytes_down) = (pair.up_total, pair.down_total);
            if matches!(alert.kind, Kind::Spread | Kind::Fleet) {
                alert.parts = pair.parts();
            }
        }
    }

    pub fn all(&self) -> &[Alert] {
        &self.all
    }
}
