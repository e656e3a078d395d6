//! Every limit of the QUIC follower in one place; those hit are counted in `Session::limited`.

/// Datagrams of a flow that are looked at. Both hellos are in the first six or so (a large ClientHello, a Retry, their
/// retransmissions); the rest are for the first 1-RTT packet of either side, behind the certificates.
pub const MAX_DATAGRAMS: u8 = 32;
/// Bytes of one CRYPTO stream that are put together: hellos with post-quantum key shares stay below 4 KB, and RFC 9000
/// section 7.5 asks receivers for no more than 4096.
pub const MAX_CRYPTO: usize = 16 << 10;
/// The same of the CRYPTO stream behind the hellos, where keys were given: a chain of the longest message and its company.
pub const MAX_HIDDEN_CRYPTO: usize = 80 << 10;
/// Separate pieces of a CRYPTO stream with holes between them; some clients scatter their hello over dozens of frames.
pub const MAX_PIECES: usize = 64;
/// Connection attempts in one flow: the first, one after a Retry, one after a version negotiation, and one to spare.
pub const MAX_ATTEMPTS: usize = 4;
/// Attempts begun on the word of a packet that cannot be authenticated, because the capture cut it: the client's and, where
/// that is cut too, the server's.
pub const MAX_SUPPOSED: usize = 2;
/// Initial packets that came before those that tell their keys.
pub const MAX_WAITING: usize = 8;
/// Their bytes: that many of the size that a path takes without fragments.
pub const MAX_WAITING_BYTES: usize = MAX_WAITING * 1500;
/// Packets of one datagram that are looked at: one of each kind is the rule, and a hostile one could hold a thousand.
pub const MAX_COALESCED: usize = 8;
