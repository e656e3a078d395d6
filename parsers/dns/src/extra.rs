//! What a query carries besides its question: options that nobody has defined, records where queries have none, bytes behind the end.

use transitproof_wire::dns::{Message, kind, options};

/// The highest option that IANA has assigned (DNS EDNS0 Option Codes); those above belong to nobody but two.
const ASSIGNED: u16 = 20;
/// Umbrella Ident and DeviceID: assigned to one vendor, the same in every query of a device.
const OF_VENDORS: [u16; 2] = [20292, 26946];

/// Padding is of zeros (RFC 7830 section 3).
const PADDING: u16 = 12;

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
            .chain(options(if is_opt { record.data } else { &[] }).filter(out_of_place).map(|(_, data)| data))
    });
    in_records.chain(message.trailer()).filter(|data| !data.is_empty()).max_by_key(|data| data.len())
}

fn out_of_place((code, data): &(u16, &[u8])) -> bool {
    *code > ASSIGNED && !OF_VENDORS.contains(code) || *code == PADDING && data.iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried_by(option: u16, data: &[u8]) -> Option<Vec<u8>> {
        let mut query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\x01\x01a\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0".to_vec();
        query.extend((data.len() as u16 + 4).to_be_bytes());
        query.extend(option.to_be_bytes());
        query.extend((data.len() as u16).to_be_bytes());
        query.extend(data);
        carried(&Message::read(&query).unwrap()).map(<[u8]>::to_vec)
    }

    #[test]
    fn only_what_has_no_business_in_a_query() {
        assert_eq!(carried_by(65001, b"data"), Some(b"data".to_vec()));
        assert_eq!(carried_by(12, &[0; 64]), None, "padding");
        assert_eq!(carried_by(12, b"\0\0x"), Some(b"\0\0x".to_vec()));
        assert_eq!(carried_by(10, b"a cookie"), None);
        assert_eq!(carried_by(20292, b"OpenDNS"), None);
        let bare = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
        assert_eq!(carried(&Message::read(bare).unwrap()), None);
        let behind = [&bare[..], b"hidden behind the end"].concat();
        assert_eq!(carried(&Message::read(&behind).unwrap()), Some(&b"hidden behind the end"[..]));
    }
}
