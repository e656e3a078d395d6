//! ONC RPC (RFC 5531) and NFS above it: over TCP in records, over UDP a message a datagram. What RPCSEC_GSS seals (RFC 2203), and how
//! a connection goes on under TLS (RFC 9289).
//!
//! May not know which reply belongs to which call: only calls name their program.

use super::Datagram;
use super::look::{Look, NO, be32, weak, yes};

const RPC_VERSION: u32 = 2;
/// portmapper, NFS, mount, lock manager and their kin (RFC 5531 section 8.1: 0 to 0x1fffffff are assigned).
const RPC_PROGRAMS: std::ops::RangeInclusive<u32> = 100_000..=101_000;
/// RFC 7530 section 17.1.
const NFS_PROGRAM: u32 = 100_003;

/// The procedure that does nothing, of every program.
const NULL: u32 = 0;

/// Ways to show who calls, RFC 5531 section 8.2, RFC 9289 section 4.1.
const RPCSEC_GSS: u32 = 6;
const AUTH_TLS: u32 = 7;
/// What a server says to AUTH_TLS in place of a verifier if it agrees.
const STARTTLS: &[u8] = b"STARTTLS";

/// A record of more than 4 MB is no first message of a session.
const LARGEST: u32 = 1 << 22;

/// A call of NFS without its record mark; a reply does not name its program.
fn nfs_message(b: &[u8]) -> Look {
    if be32(b, 4)? == 0 && be32(b, 12)? == NFS_PROGRAM { rpc_message(b) } else { NO }
}

/// A call or a reply without its record mark.
fn rpc_message(b: &[u8]) -> Look {
    match be32(b, 4)? {
        0 => {
            let program = be32(b, 12)?;
            if be32(b, 8)? != RPC_VERSION || !RPC_PROGRAMS.contains(&program) || be32(b, 16)? > 6 {
                return NO;
            }
            yes(be32(b, 24)? <= AUTH_TLS)
        }
        1 if agrees_to_tls(b) || is_sealed_reply(b) == Some(true) => yes(true),
        // Accepted (0) with a verifier of AUTH_NONE, or denied (1): too common a shape to stand alone.
        1 => weak(be32(b, 8)? <= 1 && be32(b, 12)? <= 6 && be32(b, 16)? <= 400),
        _ => NO,
    }
}

pub fn rpc_datagram(d: &Datagram) -> Look {
    rpc_message(d.payload)
}

pub fn nfs_datagram(d: &Datagram) -> Look {
    nfs_message(d.payload)
}

pub fn rpc_stream(b: &[u8]) -> Look {
    recorded(b, rpc_message)
}

pub fn nfs_stream(b: &[u8]) -> Look {
    recorded(b, nfs_message)
}

/// A call whose arguments are sealed, in one datagram.
pub fn sealed_nfs_datagram(d: &Datagram) -> Look {
    let seals = || Call::read(d.payload)?.goes_on();
    yes(nfs_message(d.payload) == yes(true) && seals() == Some(Some(true)))
}

/// A reply whose results are sealed; which program it is of, only the call knows.
pub fn sealed_rpc_datagram(d: &Datagram) -> Look {
    yes(is_sealed_reply(d.payload)?)
}

/// Whether a message leaves open how the calls behind it are protected: it does nothing, makes a context, or is a reply that is not sealed.
pub fn rpc_tells_nothing(b: &[u8]) -> bool {
    match be32(b, 4) {
        Some(0) => Call::read(b).and_then(|call| call.goes_on()) == Some(None),
        Some(1) => is_sealed_reply(b) != Some(true),
        _ => false,
    }
}

/// Over TCP behind the record mark (RFC 5531 section 11).
fn recorded(b: &[u8], message: fn(&[u8]) -> Look) -> Look {
    let mark = be32(b, 0)?;
    let length = mark & 0x7fff_ffff;
    if mark >> 31 == 0 || !(24..=LARGEST).contains(&length) { NO } else { message(b.get(4..)?) }
}

/// Whether a session goes on sealed (RPCSEC_GSS with privacy, RFC 2203 section 5.3.3.4), told by the first of the client's calls that does
/// something with a file, or by a reply that is sealed. Contexts are made by the procedure that does nothing, and sessions of NFS are kept
/// by calls that are only signed whatever becomes of the others: neither tells. `None` while no call does.
pub fn rpc_encrypts(client: &[u8], server: &[u8]) -> Option<bool> {
    // What the client answers to calls of its server has another type.
    let calls = records(client).take_while(|call| be32(call, 4).is_some()).filter(|call| be32(call, 4) == Some(0));
    let mut told = calls.map(|call| Call::read(call)?.goes_on());
    match told.find(|told| *told != Some(None)) {
        Some(told) => told.flatten(),
        None => records(server).any(|reply| is_sealed_reply(reply) == Some(true)).then_some(true),
    }
}

/// Records, the last as far as it is there.
fn records(b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = b;
    std::iter::from_fn(move || {
        let length = usize::try_from(be32(rest, 0)? & 0x7fff_ffff).ok()?;
        let (record, behind) = rest.get(4..)?.split_at_checked(length).unwrap_or((rest.get(4..)?, &[]));
        rest = behind;
        Some(record)
    })
}

/// Accepted, a verifier of RPCSEC_GSS, success, and results in a token of Kerberos that is sealed (RFC 2203 section 5.3.3.4.3, RFC 4121
/// section 4.2.6.2). What answers a call that makes a context has a handle there.
fn is_sealed_reply(b: &[u8]) -> Option<bool> {
    const WRAP: &[u8] = &[5, 4];
    const SEALED: u8 = 2;
    const FILLER: u8 = 0xff;
    let accepted = [be32(b, 4)?, be32(b, 8)?, be32(b, 12)?] == [1, 0, RPCSEC_GSS];
    let (verifier, results) = opaque(b.get(16..)?)?;
    let succeeded = be32(results, 0)? == 0;
    let (size, token) = (be32(results, 4)?, results.get(8..24)?);
    let sealed = token.starts_with(WRAP) && token[2] & SEALED != 0 && token[3] == FILLER;
    Some(accepted && !verifier.is_empty() && succeeded && sealed && (16..LARGEST).contains(&size))
}

/// One call; what it is about begins at `arguments`.
struct Call<'a> {
    program: u32,
    version: u32,
    procedure: u32,
    flavor: u32,
    credential: &'a [u8],
    arguments: &'a [u8],
}

impl<'a> Call<'a> {
    fn read(b: &'a [u8]) -> Option<Self> {
        let (credential, verifier) = opaque(b.get(28..)?)?;
        let (_, arguments) = opaque(verifier.get(4..)?)?;
        let word = |at| be32(b, at);
        let (program, version, procedure, flavor) = (word(12)?, word(16)?, word(20)?, word(24)?);
        Some(Self { program, version, procedure, flavor, credential, arguments })
    }

    /// Whether the session goes on sealed, if this call tells; `None` while it ends before that.
    fn goes_on(&self) -> Option<Option<bool>> {
        const DATA: u32 = 0;
        const INTEGRITY: u32 = 2;
        const PRIVACY: u32 = 3;
        if self.procedure == NULL {
            return Some(None);
        }
        let mut arguments = self.arguments;
        if self.flavor == RPCSEC_GSS {
            // Version, what is done with the context, number, service.
            match (be32(self.credential, 4)?, be32(self.credential, 12)?) {
                (DATA, PRIVACY) => return Some(Some(true)),
                // Behind a length and the number once more.
                (DATA, INTEGRITY) => arguments = arguments.get(8..)?,
                (DATA, _) => {}
                _ => return Some(None),
            }
        }
        let keeps_session = self.program == NFS_PROGRAM && self.version == 4 && keeps_session(arguments)?;
        Some((!keeps_session).then_some(false))
    }
}

/// Whether the operations of a COMPOUND of NFS 4 (RFC 7530 section 15.2, RFC 8881 section 16.2) are about client and session, or ask how
/// files are to be protected: clients sign these with a key of the machine.
fn keeps_session(arguments: &[u8]) -> Option<bool> {
    const PUTFH: u32 = 22;
    const PUTROOTFH: u32 = 24;
    const SEQUENCE: u32 = 53;
    /// RENEW, SECINFO, SETCLIENTID and its confirmation; of 4.1 BACKCHANNEL_CTL to DESTROY_SESSION, SECINFO_NO_NAME, DESTROY_CLIENTID,
    /// RECLAIM_COMPLETE.
    const KEEPS: [u32; 12] = [30, 33, 35, 36, 40, 41, 42, 43, 44, 52, 57, 58];
    const MAX_OPERATIONS: u32 = 8;
    let (_, behind_tag) = opaque(arguments)?;
    let count = be32(behind_tag, 4)?;
    let mut rest = behind_tag.get(8..)?;
    for _ in 0..count.min(MAX_OPERATIONS) {
        rest = match be32(rest, 0)? {
            SEQUENCE => rest.get(4 + 32..)?,
            PUTROOTFH => rest.get(4..)?,
            PUTFH => opaque(rest.get(4..)?)?.1,
            operation => return Some(KEEPS.contains(&operation)),
        };
    }
    Some(true)
}

/// A length, as many bytes and padding to a multiple of four (RFC 4506 section 4.10), and what follows; no more than RFC 5531 allows
/// credentials.
fn opaque(b: &[u8]) -> Option<(&[u8], &[u8])> {
    const MOST: u32 = 400;
    let length = be32(b, 0).filter(|length| *length <= MOST)? as usize;
    Some((b.get(4..4 + length)?, b.get(4 + length.next_multiple_of(4)..)?))
}

/// Behind the client's question for TLS: a call that does nothing, with AUTH_TLS for its credential (RFC 9289 section 4.1).
pub(super) fn tls_asked(client: &[u8]) -> Option<usize> {
    let end = record_end(client)?;
    let call = Call::read(client.get(4..end)?)?;
    let asks = rpc_stream(client) == yes(true) && call.procedure == NULL && call.flavor == AUTH_TLS;
    (asks && call.credential.is_empty() && call.arguments.is_empty()).then_some(end)
}

/// Behind the server's consent.
pub(super) fn tls_agreed(server: &[u8]) -> Option<usize> {
    let end = record_end(server)?;
    agrees_to_tls(server.get(4..end)?).then_some(end)
}

fn record_end(b: &[u8]) -> Option<usize> {
    Some(4 + (be32(b, 0).filter(|mark| mark >> 31 == 1)? & 0x7fff_ffff) as usize)
}

/// Accepted, the word in place of a verifier of AUTH_NONE, success.
fn agrees_to_tls(reply: &[u8]) -> bool {
    let word = |at| be32(reply, at);
    [word(4), word(8), word(12)] == [Some(1), Some(0), Some(0)]
        && reply.get(16..).and_then(opaque).is_some_and(|(verifier, rest)| verifier == STARTTLS && rest == [0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::starttls::starttls;
    use crate::app::tests::{client, fair, server, udp, udp_back};
    use crate::{Class, Protocol};

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn record(message: &[u8]) -> Vec<u8> {
        [&(0x8000_0000 | message.len() as u32).to_be_bytes()[..], message].concat()
    }

    /// RFC 5531 section 9: number, program, version and procedure, flavor and body of the credential, no verifier.
    fn call([program, version, procedure]: [u32; 3], flavor: u32, credential: &[u8], arguments: &[u8]) -> Vec<u8> {
        let head = words(&[7, 0, 2, program, version, procedure, flavor, credential.len() as u32]);
        record(&[&head, credential, &words(&[0, 0]), arguments].concat())
    }

    /// RFC 2203 section 5.3.1: version, procedure, number, service, handle.
    fn gss(procedure: u32, service: u32) -> Vec<u8> {
        words(&[1, procedure, 1, service, 4, 0xa5a5_a5a5])
    }

    /// Arguments of a COMPOUND: tag, minor version, operations.
    fn compound(operations: &[&[u32]]) -> Vec<u8> {
        words(&[&[0, 1, operations.len() as u32], operations.concat().as_slice()].concat())
    }

    const SEQUENCE: &[u32] = &[53, 1, 2, 3, 4, 1, 0, 0, 1];
    const PUTFH: &[u32] = &[22, 4, 0xaaaa_aaaa];
    const READ: &[u32] = &[25, 0, 0, 0, 0, 0, 0, 4096];
    const NFS_4: [u32; 3] = [NFS_PROGRAM, 4, 1];

    fn calls_encrypt(client: &[u8]) -> Option<bool> {
        rpc_encrypts(client, b"")
    }

    /// Number, accepted, a verifier, success.
    fn reply(results: &[u8]) -> Vec<u8> {
        let head = words(&[7, 1, 0, RPCSEC_GSS, 28]);
        record(&[&head, &b"\x04\x04\x05\xff\xff\xff\xff\xff"[..], &fair(20), &words(&[0]), results].concat())
    }

    #[test]
    fn replies_alone_show_that_they_are_sealed() {
        let wrapped = |flags: u8| {
            let token = [&[5, 4, flags, 0xff, 0, 0, 0, 0x1c][..], &fair(88)].concat();
            reply(&[words(&[token.len() as u32]), token].concat())
        };
        let (sealed, context) = (wrapped(7), reply(&[words(&[4, 0xa5a5_a5a5, 0, 0, 128]), fair(60)].concat()));
        assert_eq!((server(&sealed), udp_back(&sealed[4..], 2049)), (Some(Protocol::Rpc), Some(Protocol::SealedRpc)));
        let both = [&context[..], &sealed].concat();
        assert_eq!((rpc_encrypts(b"", &sealed), rpc_encrypts(b"", &both)), (Some(true), Some(true)));
        // Signed alone, or cut before the token tells.
        assert_eq!((rpc_encrypts(b"", &wrapped(5)), rpc_encrypts(b"", &both[..context.len() + 75])), (None, None));
        assert_eq!(rpc_encrypts(b"", &both[..context.len() + 76]), Some(true));
        // Denied, another verifier, an error, a token of no size and one of too much.
        let changed = |at: usize, word: u32| {
            let mut reply = sealed.clone();
            reply[at..at + 4].copy_from_slice(&word.to_be_bytes());
            rpc_encrypts(b"", &reply)
        };
        for (at, word) in [(12, 1), (16, 5), (52, 1), (56, 15), (56, LARGEST)] {
            assert_eq!(changed(at, word), None, "{at}");
        }
        assert_eq!([changed(56, 16), changed(56, LARGEST - 1)], [Some(true); 2]);
        assert!(rpc_tells_nothing(&context[4..]) && rpc_tells_nothing(&wrapped(5)[4..]));
        assert!(!rpc_tells_nothing(&sealed[4..]));
    }

    #[test]
    fn what_does_nothing_tells_nothing() {
        for quiet in [call([NFS_PROGRAM, 4, 0], 0, b"", b""), call([NFS_PROGRAM, 4, 0], AUTH_TLS, b"", b"")] {
            assert!(rpc_tells_nothing(&quiet[4..]));
        }
        assert!(!rpc_tells_nothing(&call(NFS_4, 1, &[0; 20], &compound(&[PUTFH, READ]))[4..]));
        assert!(!rpc_tells_nothing(&call(NFS_4, RPCSEC_GSS, &gss(0, 3), &fair(80))[4..]));
    }

    #[test]
    fn rpc_by_its_programs() {
        // rpcinfo: GETPORT call to the portmapper.
        let getport =
            b"\x12\x34\x56\x78\0\0\0\0\0\0\0\x02\0\x01\x86\xa0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(udp(getport, 111), Some(Protocol::Rpc));
        assert_eq!(client(&record(getport)), Some(Protocol::Rpc));
        let null = |program| call([program, 3, 0], 0, b"", b"");
        assert_eq!(client(&null(100_003)), Some(Protocol::Nfs));
        assert_eq!(client(&null(100_005)), Some(Protocol::Rpc));
        assert_eq!(udp(&null(100_003)[4..], 2049), Some(Protocol::Nfs));
        assert_ne!(server(&words(&[0x8000_0018, 7, 1, 0, 0, 0, 0])), Some(Protocol::Nfs));
    }

    #[test]
    fn what_privacy_seals() {
        let sealed = call(NFS_4, RPCSEC_GSS, &gss(0, 3), &fair(80));
        // What comes before: a context, a session, and how the root is to be protected.
        let init = call([NFS_PROGRAM, 4, 0], RPCSEC_GSS, &gss(1, 3), &fair(80));
        let signed = |operations: &[&[u32]]| {
            let body = compound(operations);
            let arguments = [words(&[4 + body.len() as u32, 1]), body, words(&[4, 9])].concat();
            call(NFS_4, RPCSEC_GSS, &gss(0, 2), &arguments)
        };
        let session =
            [signed(&[&[42, 1]]), signed(&[&[43, 1]]), signed(&[SEQUENCE, &[24], &[52, 0]]), signed(&[SEQUENCE])];
        let opening = [call([NFS_PROGRAM, 4, 0], 0, b"", b""), init, session.concat()].concat();
        assert_eq!(calls_encrypt(&opening), None);
        let all = [&opening[..], &sealed].concat();
        assert_eq!(calls_encrypt(&all), Some(true));
        for cut in 0..opening.len() + 60 {
            assert_eq!(calls_encrypt(&all[..cut]), None, "{cut}");
        }
        assert_eq!(calls_encrypt(&[&opening[..], &signed(&[SEQUENCE, PUTFH, READ])].concat()), Some(false), "signed");
        let behind = |steps: usize| {
            let operations = [vec![&[24u32][..]; steps], vec![READ]].concat();
            calls_encrypt(&call(NFS_4, 1, &[0; 20], &compound(&operations)))
        };
        assert_eq!((behind(7), behind(8)), (Some(false), None), "so many operations are looked at");
        assert_eq!(calls_encrypt(&call(NFS_4, 1, &[0; 20], &compound(&[PUTFH, READ]))), Some(false));
        assert_eq!(calls_encrypt(&call([NFS_PROGRAM, 3, 6], RPCSEC_GSS, &gss(0, 1), &[0; 8])), Some(false));
        // What would be a session's of NFS 4 is any argument elsewhere.
        assert_eq!(calls_encrypt(&call([NFS_PROGRAM + 2, 4, 1], 1, &[0; 20], &compound(&[SEQUENCE]))), Some(false));
        assert_eq!(calls_encrypt(&call([NFS_PROGRAM, 3, 6], RPCSEC_GSS, &gss(0, 3), &fair(40))), Some(true));
        assert_eq!(udp(&sealed[4..], 2049).map(Protocol::class), Some(Class::Encrypted));
        assert_eq!(udp(&signed(&[SEQUENCE])[4..], 2049), Some(Protocol::Nfs));
    }

    #[test]
    fn tls_is_asked_for_by_a_call_that_does_nothing() {
        let asked = call([NFS_PROGRAM, 4, 0], AUTH_TLS, b"", b"");
        let agreed = record(&[&words(&[7, 1, 0, 0, 8])[..], STARTTLS, &words(&[0])].concat());
        assert_eq!((client(&asked), server(&agreed)), (Some(Protocol::Nfs), Some(Protocol::Rpc)));
        let behind = |client: &[u8], server: &[u8]| starttls(Protocol::Nfs, client, server);
        let tail = [&agreed[..], b"\x16\x03\x03"].concat();
        assert_eq!(behind(&[&asked[..], b"\x16\x03\x01"].concat(), &tail), Some((asked.len(), agreed.len())));
        for cut in 0..agreed.len() {
            assert_eq!(behind(&asked, &agreed[..cut]), None);
            assert_eq!(behind(&asked[..cut], &agreed), None);
        }
        // AUTH_ERROR; a verifier without the word; another procedure.
        let refused = record(&words(&[7, 1, 1, 1, 1]));
        let silent = record(&words(&[7, 1, 0, 0, 0, 0]));
        assert_eq!((behind(&asked, &refused), behind(&asked, &silent)), (None, None));
        assert_eq!(behind(&call([NFS_PROGRAM, 3, 1], AUTH_TLS, b"", b""), &agreed), None);
        assert_eq!(behind(&call([NFS_PROGRAM, 3, 0], 0, b"", b""), &agreed), None);
    }
}
