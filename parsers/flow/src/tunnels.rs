//! The stacks of encapsulation met so far, each with a small number for the flow key and its member of the record.

use crate::json;
use crate::limits::MAX_TUNNEL_STACKS;
use std::collections::HashMap;
use transitproof_wire::packet::{TunnelKind, Tunnels};

/// Number 0 is no tunnel; the last number is shared by all stacks beyond the limit.
#[derive(Debug, Default)]
pub struct TunnelStacks {
    numbers: HashMap<Tunnels, u16>,
    members: Vec<Box<[u8]>>,
    stacks: Vec<Tunnels>,
    /// Packets whose stack got no number of its own.
    pub limited: u64,
}

impl TunnelStacks {
    pub fn number(&mut self, tunnels: &Tunnels) -> u16 {
        if let Some(number) = self.numbers.get(tunnels) {
            return *number;
        }
        if self.members.len() >= MAX_TUNNEL_STACKS {
            self.limited += 1;
            return u16::MAX;
        }
        let mut member = Vec::new();
        json::key(&mut member, "tunnel");
        member.push(b'[');
        for (i, layer) in tunnels.layers().iter().enumerate() {
            member.extend_from_slice(if i > 0 { b",\"" } else { b"\"" });
            member.extend_from_slice(layer.kind.word().as_bytes());
            if let Some(id) = layer.id {
                write_id(&mut member, layer.kind, id);
            }
            member.push(b'"');
        }
        member.push(b']');
        self.members.push(member.into());
        self.stacks.push(*tunnels);
        let number = self.members.len() as u16;
        self.numbers.insert(*tunnels, number);
        number
    }

    /// The stack with this number; `None` for the one that those beyond the limit share.
    pub fn stack(&self, number: u16) -> Option<Tunnels> {
        match number {
            0 => Some(Tunnels::default()),
            number => self.stacks.get(usize::from(number) - 1).copied(),
        }
    }

    /// Whether the flows inside are what an IPsec association carries, whose packets are counted as its own already.
    pub fn is_protected(&self, number: u16) -> bool {
        let stack = self.stack(number).unwrap_or_default();
        stack.layers().iter().any(|layer| matches!(layer.kind, TunnelKind::Esp | TunnelKind::Opened | TunnelKind::Ah))
    }

    /// Whether the flows inside were read with keys: on this link they are protected.
    pub fn is_opened(&self, number: u16) -> bool {
        let stack = self.stack(number).unwrap_or_default();
        stack.layers().iter().any(|layer| layer.kind == TunnelKind::Opened)
    }

    /// `"tunnel":["vxlan:42"]`, empty for none.
    pub fn member(&self, number: u16) -> &[u8] {
        match number {
            0 => &[],
            u16::MAX => br#""tunnel":["unnumbered"]"#,
            number => self.members.get(usize::from(number) - 1).map_or(&[], |member| member),
        }
    }
}

/// SPIs are written in hexadecimal, as everywhere.
fn write_id(out: &mut Vec<u8>, kind: TunnelKind, id: u32) {
    out.push(b':');
    if matches!(kind, TunnelKind::Esp | TunnelKind::Opened | TunnelKind::Ah) {
        out.extend_from_slice(b"0x");
        json::hex(out, &id.to_be_bytes());
    } else {
        json::decimal(out, u64::from(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transitproof_wire::packet::dissect;

    /// IPv4 in IPv4, `depth` times.
    fn nested(depth: usize) -> Tunnels {
        let mut packet = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        for _ in 0..depth {
            let length = packet.len() as u8 + 20;
            let mut outer = vec![0x45, 0, 0, length, 0, 0, 0, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            outer.append(&mut packet);
            packet = outer;
        }
        let mut tunnels = Tunnels::default();
        dissect(101, &packet, &mut tunnels).unwrap();
        tunnels
    }

    #[test]
    fn equal_stacks_share_a_number() {
        let mut stacks = TunnelStacks::default();
        let (one, two) = (stacks.number(&nested(1)), stacks.number(&nested(2)));
        assert_eq!((one, two, stacks.number(&nested(1))), (1, 2, 1));
        assert_eq!(stacks.member(two), br#""tunnel":["ipip","ipip"]"#);
        assert_eq!(stacks.member(0), b"");
    }
}
