//! Every limit of the followers in one place; those hit are counted in `Session::limited`.

/// A handshake message that is read: certificate chains of real sites stay below 20 KB, hellos below 4 KB.
pub const MAX_MESSAGE: u32 = 64 << 10;
/// Reserved at once for a message that comes in parts: a hostile length must not cost its whole size before its bytes come.
pub const FIRST_RESERVE: usize = 8 << 10;
/// Certificates of one chain: browsers refuse more than 10 or so, and 64 KiB could hold 16,000 empty ones.
pub const MAX_CHAIN: usize = 64;
/// Bytes of staples and timestamps of one handshake: a response has 0.5 to 3 KB, a list of timestamps 0.5 KB.
pub const MAX_BESIDE: usize = 16 << 10;
/// Protected records of one side that are opened with keys: a chain of the longest message in records of a kilobyte.
pub const MAX_OPENED: u8 = 64;
/// Datagrams of one side that keys may fail to open before they are said not to fit.
pub const MAX_MISFITS: u8 = 1;
/// Segments searched for a record header after a loss before a direction is given up.
pub const MAX_SEARCHES: u8 = 64;
/// Protected records of one side while the other sends none: after that many the other side is not captured at all.
pub const MAX_ONE_SIDED: u8 = 32;
/// Messages of one DTLS flight that wait for an earlier one; the longest flight of RFC 6347 has 6.
pub const MAX_WAITING: usize = 8;
/// Pieces that a fragmented DTLS message may be in with holes between them; retransmissions close them.
pub const MAX_HOLES: usize = 32;
