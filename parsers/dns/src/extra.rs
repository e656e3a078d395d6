//! What a query carries besides its question: options that nobody has defined, records where queries have none, bytes behind the end.

use transitproof_wire::dns::{Message, kind, options};

/// The highest option that IANA has assigned (DNS EDNS0 Option Codes); those above belong to nobody but two.
const ASSIGNED: u16 = 20;
/// Umbrella Ident and DeviceID: assigned to one vendor, the same in every query of a device.
const OF_VENDORS: [u16; 2] = [20292, 26946];

/// RFC 8945: signs what updates a zone.
const TSIG: u16 = 250;
/// Root, type, class, time to live and length: an OPT record without options.
const BARE_OPT: usize = 11;

/// The longest piece of data in a query that has no business there.
#[inline]
pub fn carried<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let header = &message.header;
    if message.rest() <= BARE_OPT || header.is_response() || header.opcode() != 0 {
        return None;
    }
    longest(message)
}

fn longest<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let in_records = message.records().flat_map(|(_, record)| {
        let is_opt = record.kind == kind::OPT;
        let whole = (!is_opt && record.kind != TSIG).then_some(record.data);
        whole
            .into_iter()
            .chain(options(if is_opt { record.data } else { &[] }).filter(unassigned).map(|(_, data)| data))
    });
    in_records.chain(message.trailer()).filter(|data| !data.is_empty()).max_by_key(|data| data.len())
}

fn unassigned((code, _): &(u16, &[u8])) -> bool {
    *code > ASSIGNED && !OF_VENDORS.contains(code)
}
