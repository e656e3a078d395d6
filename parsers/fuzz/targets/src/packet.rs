//! `packet`: one frame of any link type through every layer and tunnel. The first two bytes are the link type.
//!
//! Promised of a packet: its payload lies in the frame and is no longer than the headers say, a fragment lies in 64 KiB, the
//! tunnels stay within their limit, and a frame that the capture cut is read as the same packet or not at all.

use transitproof_wire::packet::{MAX_TUNNELS, Packet, Tunnels, dissect, link_supported};

pub fn packet(input: &[u8]) {
    let [high, low, frame @ ..] = input else { return };
    let link = u16::from_be_bytes([*high, *low]);
    let _ = link_supported(link);
    let mut tunnels = Tunnels::default();
    let Ok(whole) = dissect(link, frame, &mut tunnels) else { return };
    check(&whole, frame);
    assert!(tunnels.layers().len() <= MAX_TUNNELS);
    let mut again = Tunnels::default();
    if let Ok(cut) = dissect(link, &frame[..frame.len() * 3 / 4], &mut again)
        && again == tunnels
    {
        assert_eq!((cut.v6, cut.src, cut.dst), (whole.v6, whole.src, whole.dst));
        // Where the header leaves its length open, the frame tells.
        assert!(cut.ip_length <= whole.ip_length);
        assert!(cut.payload.len() <= whole.payload.len());
    }
}

fn check(packet: &Packet<'_>, frame: &[u8]) {
    let (payload, frame) = (packet.payload.as_ptr_range(), frame.as_ptr_range());
    assert!(packet.payload.is_empty() || (frame.start <= payload.start && payload.end <= frame.end), "outside");
    assert!(packet.payload.len() <= packet.payload_length as usize, "longer than its headers say");
    // A first fragment of UDP states the length of the whole datagram.
    assert!(packet.fragment.is_some() || packet.payload_length <= packet.ip_length);
    assert!(packet.fragment.is_none_or(|fragment| fragment.offset <= 0xfff8));
}
