//! TLS inside EAP (RFC 3748) as RADIUS carries it (RFC 2865, RFC 3579), and LANs (IEEE 802.1X): EAP-TLS, TTLS, PEAP, FAST and TEAP.

use crate::Reader;

const LAYER: &str = "radius";

/// RADIUS codes, RFC 2865 section 3.
pub mod code {
    pub const ACCESS_REQUEST: u8 = 1;
    pub const ACCESS_ACCEPT: u8 = 2;
    pub const ACCESS_REJECT: u8 = 3;
    pub const ACCESS_CHALLENGE: u8 = 11;
}

/// RADIUS attribute types.
mod attribute {
    pub const STATE: u8 = 24;
    pub const EAP_MESSAGE: u8 = 79;
}

/// A RADIUS packet of an authentication by EAP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radius<'a> {
    pub code: u8,
    pub id: u8,
    /// Ties a challenge to the request that answers it.
    pub state: &'a [u8],
    /// The EAP packet, put together from its attributes of 253 bytes.
    pub eap: Vec<u8>,
}

impl<'a> Radius<'a> {
    /// `None` if it is not RADIUS or carries no EAP, the end of an authentication aside.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let mut r = Reader::new(datagram, LAYER);
        let (code, id) = (r.u8().ok()?, r.u8().ok()?);
        let length = usize::from(r.u16().ok()?);
        let body = datagram.get(20..length)?;
        let (mut state, mut eap) = (&[][..], Vec::new());
        let mut attributes = Reader::new(body, LAYER);
        while let (Ok(kind), Ok(length)) = (attributes.u8(), attributes.u8()) {
            let value = attributes.take(usize::from(length).checked_sub(2)?).ok()?;
            match kind {
                attribute::STATE => state = value,
                attribute::EAP_MESSAGE => eap.extend_from_slice(value),
                _ => {}
            }
        }
        let over = matches!(code, code::ACCESS_ACCEPT | code::ACCESS_REJECT);
        (!eap.is_empty() || over).then_some(Self { code, id, state, eap })
    }
}

/// A part of TLS in an EAP packet. The parts of a message come one after the other, each acknowledged (RFC 5216 section 2.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EapTls<'a> {
    /// Of the EAP packet: a repeated one has the same.
    pub id: u8,
    /// The server begins; what it says with it is not TLS.
    pub start: bool,
    pub data: &'a [u8],
}

/// Who sent an EAP packet and what it wants, RFC 3748 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EapHeader {
    pub code: EapCode,
    /// A response has that of its request.
    pub id: u8,
    /// A request for the name of whoever is there, with which each authentication begins.
    pub begins: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EapCode {
    /// From the authenticator.
    Request,
    /// From the peer, as all others are from the authenticator.
    Response,
    /// Success or failure.
    End,
}

impl EapHeader {
    pub fn parse(packet: &[u8]) -> Option<Self> {
        const IDENTITY: u8 = 1;
        let mut r = Reader::new(packet, LAYER);
        let (code, id, length) = (r.u8().ok()?, r.u8().ok()?, r.u16().ok()?);
        let code = match code {
            1 if length > 4 => EapCode::Request,
            2 if length > 4 => EapCode::Response,
            3 | 4 if length == 4 => EapCode::End,
            _ => return None,
        };
        let begins = code == EapCode::Request && packet.get(4) == Some(&IDENTITY);
        Some(Self { code, id, begins })
    }
}

/// Reads an EAP request or response of a method that is TLS.
pub fn eap_tls(packet: &[u8]) -> Option<EapTls<'_>> {
    const REQUEST_OR_RESPONSE: [u8; 2] = [1, 2];
    /// IANA's EAP method types: TLS, TTLS, PEAP, FAST, TEAP.
    const METHODS: [u8; 5] = [13, 21, 25, 43, 55];
    const LENGTH_INCLUDED: u8 = 0x80;
    const START: u8 = 0x20;
    const OUTER_TLV_LENGTH: u8 = 0x10;
    const TEAP: u8 = 55;
    let mut r = Reader::new(packet, LAYER);
    let (code, id, length) = (r.u8().ok()?, r.u8().ok()?, r.u16().ok()?);
    let method = r.u8().ok()?;
    if !REQUEST_OR_RESPONSE.contains(&code) || usize::from(length) != packet.len() || !METHODS.contains(&method) {
        return None;
    }
    let flags = r.u8().ok()?;
    if flags & LENGTH_INCLUDED != 0 {
        r.u32().ok()?;
    }
    let mut outer = 0;
    if method == TEAP && flags & OUTER_TLV_LENGTH != 0 {
        outer = r.u32().ok()? as usize;
    }
    let rest = r.rest();
    Some(EapTls { id, start: flags & START != 0, data: rest.get(..rest.len().checked_sub(outer)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_joined() {
        let packet =
            [&[11, 7, 0, 20 + 4 + 5 + 4][..], &[0xa5; 16], &[24, 4, 1, 2, 79, 5, 1, 2, 3, 79, 4, 4, 5]].concat();
        let radius = Radius::parse(&packet).unwrap();
        assert_eq!((radius.code, radius.id, radius.state, &radius.eap[..]), (11, 7, &[1, 2][..], &[1, 2, 3, 4, 5][..]));
        for cut in 0..packet.len() {
            assert_eq!(Radius::parse(&packet[..cut]), None);
        }
        let zero_length = [&[11, 7, 0, 22][..], &[0xa5; 16], &[79, 0]].concat();
        assert_eq!(Radius::parse(&zero_length), None);
    }

    #[test]
    fn headers() {
        let header = |bytes: &[u8]| EapHeader::parse(bytes).map(|header| (header.code, header.id, header.begins));
        assert_eq!(header(&[1, 7, 0, 5, 1]), Some((EapCode::Request, 7, true)));
        assert_eq!(header(&[1, 7, 0, 6, 13, 0x20]), Some((EapCode::Request, 7, false)));
        assert_eq!(header(&[2, 7, 0, 8, 1, b'j', b'o', b'e']), Some((EapCode::Response, 7, false)));
        assert_eq!(header(&[2, 7, 5, 0, 13, 0]), Some((EapCode::Response, 7, false)), "cut by the capture");
        assert_eq!(header(&[3, 7, 0, 4]), Some((EapCode::End, 7, false)));
        assert_eq!(header(&[4, 7, 0, 4]), Some((EapCode::End, 7, false)));
        for other in [&[5, 7, 0, 6, 1, 0][..], &[3, 7, 0, 5, 1], &[1, 7, 0, 4], &[1, 7, 0], &[]] {
            assert_eq!(header(other), None, "{other:?}");
        }
    }

    #[test]
    fn methods_and_flags() {
        let tls = |bytes: &'static [u8]| eap_tls(bytes);
        assert_eq!(tls(&[1, 9, 0, 6, 13, 0x20]), Some(EapTls { id: 9, start: true, data: &[] }));
        assert_eq!(
            tls(&[2, 9, 0, 12, 25, 0xc0, 0, 0, 8, 0, 0x16, 3]),
            Some(EapTls { id: 9, start: false, data: &[0x16, 3] })
        );
        assert_eq!(tls(&[2, 9, 0, 11, 55, 0x10, 0, 0, 0, 1, 0x16]), Some(EapTls { id: 9, start: false, data: &[] }));
        assert_eq!(tls(&[2, 9, 0, 6, 26, 0]), None, "MSCHAPv2");
        assert_eq!(tls(&[2, 9, 0, 9, 13, 0]), None, "a length that lies");
        assert_eq!(tls(&[2, 9, 0, 10, 55, 0x10, 0, 0, 0, 9]), None);
    }
}
