//! Every limit of the readers, each with its reason. What exceeds one is reported as damage, never swallowed.

/// The reused buffer: large enough that read(2) costs little per packet, small enough to stay in the second-level cache
/// of the machines that this runs on (measured: 256 KiB is as fast as 1 MiB and touches less memory).
pub(crate) const BUFFER: usize = 256 << 10;

/// Of a buffer that is handed over: the same, though several are under way then, because whoever works on one finds it in the
/// cache of who read it, or in the shared one.
pub(crate) const DETACHED: usize = BUFFER;

/// What is read at once where several read side by side: each has a few of these under way, and all of them should stay in its
/// second-level cache.
pub(crate) const BLOCK: usize = 128 << 10;

/// Room in front of a block for what the block before it leaves over: an IP packet of any length. More is put together in
/// another buffer.
pub(crate) const HEADROOM: usize = 64 << 10;

/// libpcap's MAXIMUM_SNAPLEN. A classic pcap record longer than both this and the file's own snapshot length is damage:
/// a wrong length is far likelier than a frame that large, and trusting it would swallow good records.
pub(crate) const USUAL_CAPTURED: u32 = 262_144;

/// The most captured bytes that a file's snapshot length can allow, so that a hostile header cannot ask for gigabytes.
pub(crate) const MAX_CAPTURED: u32 = 16 << 20;

/// The longest pcapng block that is held: the largest packet, and room for the options behind it. Blocks that are passed
/// over may be of any length.
pub(crate) const MAX_BLOCK: u32 = MAX_CAPTURED + (1 << 20);

/// Interfaces in one pcapng section; a frame carries the index in 16 bits.
pub(crate) const MAX_INTERFACES: usize = 1 << 16;

/// Bytes kept of an interface's name: Linux has 15, Windows' device paths have about 60.
pub(crate) const MAX_NAME: usize = 256;

/// Key material kept out of Decryption Secrets Blocks; a key log of 16 MiB holds about 90,000 TLS sessions.
pub(crate) const MAX_SECRETS: usize = 16 << 20;

/// How many secrets blocks are kept: an empty one costs the writer 20 bytes and the reader a vector.
pub(crate) const MAX_SECRET_BLOCKS: usize = 1 << 16;

/// Damage entries kept; a file can be wrong once per packet. All are counted.
pub(crate) const MAX_DAMAGE: usize = 64;

/// Decompressed bytes asked for at a time. A decoder that fails drops what it made during that call.
pub(crate) const DECODE_STEP: usize = 16 << 10;

/// Memory that a compressed stream's window may ask for: zstd's own limit (`--long=27`), and twice what `xz -9` needs.
pub(crate) const MAX_DICTIONARY: u64 = 128 << 20;
