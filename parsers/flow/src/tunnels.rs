//! The stacks of encapsulation met so far, each with a small number for the flow key and its member of the record.
//!
//! Some numbers on the wire belong to one direction: its receiver has chosen them. A flow's two directions then come in different
//! stacks, and share the number of the one that was met first.

use crate::json;
use crate::limits::MAX_TUNNEL_STACKS;
use std::collections::HashMap;
use transitproof_wire::packet::{TunnelKind, Tunnels};

/// Number 0 is no tunnel; the last number is shared by all stacks beyond the limit.
#[derive(Debug, Default)]
pub struct TunnelStacks {
    numbers: HashMap<Tunnels, Numbers>,
    /// By what both directions have in common.
    common: HashMap<Tunnels, u16>,
    /// The stack of the packet in hand.
    pub in_hand: u16,
    members: Vec<Box<[u8]>>,
    stacks: Vec<Tunnels>,
    /// Packets whose stack got no number of its own.
    pub limited: u64,
}

/// Of one stack: its own, and the one that its flows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    own: u16,
    flows: u16,
}

impl TunnelStacks {
    /// The number for the flow key; the stack becomes the one in hand.
    pub fn number(&mut self, tunnels: &Tunnels) -> u16 {
        let Numbers { own, flows } = self.numbers(tunnels);
        self.in_hand = own;
        flows
    }

    fn numbers(&mut self, tunnels: &Tunnels) -> Numbers {
        if tunnels.is_empty() {
            return Numbers { own: 0, flows: 0 };
        }
        if let Some(numbers) = self.numbers.get(tunnels) {
            return *numbers;
        }
        let common = tunnels.of_both_directions();
        let known = if common.is_empty() { Some(0) } else { self.common.get(&common).copied() };
        let Some(own) = self.add(tunnels) else {
            self.limited += 1;
            return Numbers { own: u16::MAX, flows: known.unwrap_or(u16::MAX) };
        };
        let flows = known.unwrap_or(own);
        if flows == own {
            self.common.insert(common, own);
        }
        let numbers = Numbers { own, flows };
        self.numbers.insert(*tunnels, numbers);
        numbers
    }

    fn add(&mut self, tunnels: &Tunnels) -> Option<u16> {
        if self.members.len() >= MAX_TUNNEL_STACKS {
            return None;
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
        u16::try_from(self.members.len()).ok()
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

    #[test]
    fn stacks_beyond_the_limit_share_a_number() {
        let mut stacks = TunnelStacks::default();
        let vxlan = |id| Tunnels::default().within(TunnelKind::Vxlan, Some(id)).unwrap();
        let last = (0..=MAX_TUNNEL_STACKS as u32).map(|id| stacks.number(&vxlan(id))).last();
        assert_eq!((last, stacks.in_hand, stacks.limited), (Some(u16::MAX), u16::MAX, 1));
        assert_eq!((stacks.number(&vxlan(3)), stacks.limited), (4, 1), "known ones keep theirs");
    }

    #[test]
    fn directions_with_numbers_of_their_own_share_that_of_the_flow() {
        let within = |kind, id| Tunnels::default().within(kind, Some(id)).unwrap();
        let mut stacks = TunnelStacks::default();
        for kind in [TunnelKind::GtpU, TunnelKind::L2tp, TunnelKind::Pptp] {
            let (there, back) = (stacks.number(&within(kind, 7)), stacks.number(&within(kind, 9)));
            assert_eq!((there, stacks.in_hand), (back, there + 1), "{kind:?}");
            assert_eq!(stacks.member(stacks.in_hand), format!("\"tunnel\":[\"{}:9\"]", kind.word()).as_bytes());
        }
        // A network's number is the same in both, and tells networks apart.
        assert_ne!(stacks.number(&within(TunnelKind::Vxlan, 7)), stacks.number(&within(TunnelKind::Vxlan, 9)));
        // The last router takes the label off: a flow may have one in one direction alone.
        assert_eq!((stacks.number(&within(TunnelKind::Mpls, 7)), stacks.number(&Tunnels::default())), (0, 0));
    }
}
