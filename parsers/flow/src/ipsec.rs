//! IKE, ESP and AH of one flow: they may share it (UDP 4500), and AH may stand around ESP. RFC 3948, 4302, 4303.

use crate::Direction;
use crate::esp::{AhState, EspState};
use crate::ike::IkeState;
use crate::why::What;
use transitproof_wire::Protocol;
use transitproof_wire::esp::{Ah, Esp, looks_like_esp_in_udp};
use transitproof_wire::ike::{looks_like_ike, plausible_ike, strip_non_esp_marker};
use transitproof_wire::packet::{Packet, ip_protocol as ip};

#[derive(Default)]
pub struct Ipsec {
    pub ike: Option<Box<IkeState>>,
    pub esp: Option<EspState>,
    ah: Option<Box<AhState>>,
    /// The negotiation was counted as an observation.
    pub counted: bool,
}

/// What a datagram is, by content: IKE is recognised by its header.
pub fn is_ike(payload: &[u8]) -> bool {
    looks_like_ike(strip_non_esp_marker(payload).unwrap_or(payload))
}

/// On IKE's own port a header is enough: the message may be cut by the snap length or a fragment.
pub fn may_be_cut_ike(packet: &Packet<'_>) -> bool {
    const IKE: u16 = 500;
    (packet.src_port == IKE || packet.dst_port == IKE) && plausible_ike(packet.payload)
}

/// By port and shape, which is all that RFC 3948 gives: the sequence numbers confirm it later.
pub fn may_be_esp(packet: &Packet<'_>) -> bool {
    looks_like_esp_in_udp(packet.payload, (packet.src_port, packet.dst_port))
}

impl Ipsec {
    /// Reads what a packet of ESP will need; the value only has to be used somehow.
    #[inline]
    pub fn touch(&self, from: Direction) -> u64 {
        self.esp.as_ref().map_or(0, |esp| esp.touch(from)) ^ u64::from(self.counted)
    }

    /// IKE if any IKE message was seen; AH around ESP is esp.
    pub fn protocol(&self) -> Protocol {
        match (&self.ike, &self.esp) {
            (Some(_), _) => Protocol::Ike,
            (None, Some(_)) => Protocol::Esp,
            (None, None) => Protocol::Ah,
        }
    }

    /// The header that says so.
    pub fn what(&self) -> What {
        match self.protocol() {
            Protocol::Ike => What::IkeHeader,
            Protocol::Ah => What::AhHeader,
            _ => What::EspHeader,
        }
    }

    /// Only ports and shape speak for ESP in UDP until its sequence numbers do.
    pub fn is_inferred(&self, transport: u8) -> bool {
        transport == ip::UDP && self.ike.is_none() && !self.esp.as_ref().is_some_and(EspState::confirmed)
    }

    /// A negotiation of another IKE SA: its facts want a record of their own.
    pub fn begins_another(&self, payload: &[u8]) -> bool {
        is_ike(payload)
            && self.ike.as_ref().is_some_and(|ike| ike.begins_another(strip_non_esp_marker(payload).unwrap_or(payload)))
    }

    /// One datagram of a flow that carries IKE or ESP.
    pub fn datagram(&mut self, from: Direction, packet: &Packet<'_>, frame: u64) {
        let marked = strip_non_esp_marker(packet.payload);
        let message = marked.unwrap_or(packet.payload);
        if looks_like_ike(message) || may_be_cut_ike(packet) {
            self.ike.get_or_insert_default().message(from, message, marked.is_some(), frame);
        } else if marked.is_none() && may_be_esp(packet) {
            self.esp(from, packet.payload, packet.ip_length, true);
        }
    }

    /// One packet of ESP or AH directly over IP.
    pub fn packet(&mut self, from: Direction, packet: &Packet<'_>) {
        let mut payload = packet.payload;
        if packet.transport == ip::AH {
            let Ok(ah) = Ah::parse(payload) else { return };
            self.ah.get_or_insert_default().packet(from, ah.spi, ah.sequence, packet.ip_length as usize);
            if ah.next_header != ip::ESP {
                return;
            }
            payload = ah.payload;
        }
        self.esp(from, payload, packet.ip_length, false);
    }

    fn esp(&mut self, from: Direction, payload: &[u8], length: u32, nat_t: bool) {
        let Ok(esp) = Esp::parse(payload) else { return };
        let state = self.esp.get_or_insert_with(|| EspState::new(nat_t));
        state.packet(from, esp.spi, esp.sequence, length as usize);
        if state.wants_inspection() {
            state.inspect(esp.payload);
        }
    }

    pub fn write_record(&self, out: &mut Vec<u8>) {
        if let Some(ike) = &self.ike {
            ike.write_record(out);
        }
        if let Some(esp) = &self.esp {
            esp.write_record(out);
        }
        if let Some(ah) = &self.ah {
            ah.write_record(out);
        }
    }

    pub fn write_facts(&self, out: &mut Vec<u8>) {
        if let Some(ike) = &self.ike {
            ike.write_facts(out);
        }
        if let Some(esp) = &self.esp {
            esp.write_facts(out);
        }
    }
}
