//! What DNS messages of all flows come to: they go through one detector in packet order, and what it finds is handed out as
//! observations, once each, with the flows in which it was seen.

use super::said::Awaited;
use crate::Direction;
use crate::endpoint::{Endpoint, write_address};
use crate::entry::{Entry, mark};
use crate::few::Few;
use crate::json;
use crate::key::Family;
use crate::observation::{FlowId, Observation, Provenance, Sample};
use crate::record;
use crate::time::Clock;
use transitproof_dns::{Alert, Config, Detector, Kind, Observed, Spot, TERMS};
use transitproof_wire::ParseError;
use transitproof_wire::dns::Message;

/// Where an alert was seen.
struct Evidence {
    endpoint: Endpoint,
    v6: bool,
    samples: Few<Sample>,
    flows: Vec<FlowId>,
}

pub struct Watch {
    detector: Detector,
    /// By number of the alert.
    evidence: Vec<Evidence>,
    /// Alerts before the message in hand.
    raised: usize,
    /// Of several cores that share a capture.
    pub(super) awaited: Awaited,
    /// Alerts handed out already, and how many queries they had then.
    handed: Vec<u32>,
}

impl Watch {
    pub fn new(config: Config) -> Self {
        Self {
            detector: Detector::new(config),
            evidence: Vec::new(),
            raised: 0,
            awaited: Awaited::default(),
            handed: Vec::new(),
        }
    }

    /// One message of a flow, without the length that goes in front of it over TCP. Whether the answer is of interest as well.
    pub fn message(&mut self, entry: &Entry, from: Direction, payload: &[u8], spot: Spot, trace: bool) -> bool {
        let Ok(message) = Message::read(payload) else { return false };
        let asks = if message.header.is_response() { from.other() } else { from };
        let low = entry.has(mark::INITIATOR_LOW) == (asks == Direction::Forward);
        let (client, _) = entry.key.end(low);
        let asked = entry.packets()[asks as usize] > 0;
        let observed = Observed { client: [client.high, client.low], message: &message, spot, asked };
        let number = self.detector.message(&observed);
        while self.evidence.len() < self.detector.alerts.all().len() {
            self.evidence.push(Evidence {
                endpoint: Endpoint::of(entry),
                v6: entry.key.v6(),
                samples: Few::default(),
                flows: Vec::new(),
            });
        }
        let newest = self.evidence.len().wrapping_sub(1);
        let raised = self.raised < self.evidence.len();
        self.raised = self.evidence.len();
        let at = number.or_else(|| raised.then_some(newest));
        let awaits = self.detector.awaits();
        let Some(evidence) = at.and_then(|at| self.evidence.get_mut(at)) else { return awaits };
        if evidence.samples.bound().is_none_or(|bound| spot.frame < bound.frame) {
            evidence.samples.keep(Sample { frame: spot.frame, flow: record::community_id(entry) });
        }
        if trace {
            evidence.flows.push(FlowId::of(entry));
        }
        awaits
    }

    pub fn save(&self) -> Vec<u8> {
        self.detector.save()
    }

    pub fn restore(&mut self, state: &[u8]) -> Result<(), ParseError> {
        self.detector.restore(state)
    }

    /// Alerts that are new, or of which more was seen, since the last call.
    pub fn take(&mut self, out: &mut Vec<Observation>) {
        let alerts = self.detector.alerts.all();
        self.handed.resize(alerts.len(), 0);
        for ((alert, handed), evidence) in alerts.iter().zip(&mut self.handed).zip(&mut self.evidence) {
            // At least one, the query that raised it, though it may have been in no pair yet.
            let queries = alert.queries.max(1);
            if queries == *handed {
                continue;
            }
            let facts: std::sync::Arc<[u8]> = facts(alert, evidence.v6).into();
            out.push(Observation {
                key: facts.clone(),
                facts,
                endpoint: evidence.endpoint,
                name: None,
                chain: None,
                provenance: Provenance::Observed,
                bytes: 0,
                count: u64::from(queries.saturating_sub(*handed)),
                first_seen: alert.first_seen,
                last_seen: alert.last_seen,
                samples: std::mem::take(&mut evidence.samples),
                flows: std::mem::take(&mut evidence.flows),
                session: None,
            });
            *handed = queries;
        }
    }

    pub fn limits(&self) -> [(&'static str, u64); 2] {
        [("dns_pairs", self.detector.forgotten()), ("dns_alerts", self.detector.alerts.limited)]
    }
}

fn facts(alert: &Alert, v6: bool) -> Vec<u8> {
    let mut out = b"{".to_vec();
    let scored = matches!(alert.kind, Kind::Tunnel | Kind::Spread | Kind::Fleet | Kind::Flood);
    json::key(&mut out, fact(alert.kind));
    out.push(b'{');
    json::key(&mut out, "client");
    out.push(b'"');
    let [high, low] = alert.client;
    write_address(&mut out, Family::ip(v6), transitproof_wire::packet::Address { high, low });
    out.push(b'"');
    json::string(&mut out, "domain", alert.domain.as_bytes());
    if scored {
        json::key(&mut out, "score");
        thousandths(&mut out, alert.score.value());
    }
    json::key(&mut out, "first_alert");
    Clock::default().quoted(&mut out, alert.first_alert);
    if !scored {
        out.push(b'}');
        if let Kind::Beacon(seconds) = alert.kind {
            json::number(&mut out, "dns.interval", u64::from(seconds));
        }
        out.push(b'}');
        return out;
    }
    json::number(&mut out, "bytes_estimated", (alert.bytes_up + alert.bytes_down) as u64);
    json::key(&mut out, "why");
    out.push(b'{');
    for (name, part) in TERMS.iter().zip(alert.score.parts()) {
        if part.abs() >= 0.0005 {
            json::key(&mut out, name);
            thousandths(&mut out, part);
        }
    }
    out.extend_from_slice(b"}}");
    json::word(&mut out, "dns.volume", alert.score.volume.word());
    json::number(&mut out, "dns.queries", u64::from(alert.queries));
    json::number(&mut out, "dns.names", u64::from(alert.names));
    match alert.kind {
        Kind::Spread => json::number(&mut out, "dns.domains", u64::from(alert.parts)),
        Kind::Fleet => json::number(&mut out, "dns.clients", u64::from(alert.parts)),
        _ => {}
    }
    json::number(&mut out, "dns.bytes_up", alert.bytes_up as u64);
    json::number(&mut out, "dns.bytes_down", alert.bytes_down as u64);
    out.push(b'}');
    out
}

/// The fact that an alert is.
fn fact(kind: Kind) -> &'static str {
    match kind {
        Kind::Tunnel | Kind::Spread | Kind::Fleet => "dns.tunnel",
        Kind::Flood => "dns.random_names",
        Kind::Option => "dns.option",
        Kind::Case => "dns.case",
        Kind::Beacon(_) => "dns.beacon",
    }
}

/// A number with three decimals.
fn thousandths(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(format!("{value:.3}").as_bytes());
}
