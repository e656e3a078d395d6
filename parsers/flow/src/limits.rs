//! Every bound of the flow side in one place, each with its reason. What hits one is counted under the name in [`crate::totals`].

/// Bytes of each direction kept while it is not yet known what a stream is. The longest preamble that real
/// servers send before a client says anything recognisable is an SMTP or FTP banner of a few lines.
pub const MAX_HEAD: usize = 4096;

/// Bytes of each direction watched in a dialogue that may still upgrade to TLS or show a login.
pub const MAX_DIALOGUE: usize = 8192;

/// Looks at a stream that was joined in the middle, one for each piece of it: a few questions and answers, or some pings.
pub const MAX_JOINED: u8 = 32;

/// Segments of a client looked at for a login once its HTTP connection has served something: Apache closes a connection after 100 requests
/// (MaxKeepAliveRequests), and few of them take more than two.
pub const MAX_LATER_SEGMENTS: u32 = 256;

/// Proxies stepped over in front of a stream: a chain of load balancer, SOCKS and CONNECT has three.
pub const MAX_VIA: usize = 4;

/// Datagrams looked at before a UDP flow stays unknown: what identifies itself does so in the first of either side.
pub const MAX_DATAGRAMS: u8 = 8;

/// Ports that other flows have told of, some 50 bytes each: more than the calls and transfers that begin within seconds.
pub const MAX_ANNOUNCED: usize = 4096;

/// Segments held back in one direction while an earlier one is missing: a reordering window, not a buffer.
pub const MAX_HELD_SEGMENTS: usize = 64;

/// Bytes held back in one direction: four maximal TLS records, more than any handshake flight.
pub const MAX_HELD_BYTES: usize = 65_536;

/// DNS queries of one UDP flow without an answer yet; a stub resolver has a handful in flight.
pub const MAX_DNS_PENDING: usize = 32;

/// Distinct observations that may come together in the core before they are handed over unasked, some 300 bytes each: few enough
/// that they are still in the cache when they are judged, and that the same memory does for the next.
pub const MAX_OBSERVATIONS: usize = 2048;

/// Distinct sets of facts, and chains, that a core remembers from one hand-over to the next.
pub const MAX_REMEMBERED: usize = 4096;

/// Findings kept until they are written, 8 bytes each besides what they share; beyond, new ones are counted only.
pub const MAX_FINDINGS: usize = 1 << 20;

/// Sets of findings that came of the same observations at one place, some 300 bytes each.
pub const MAX_FINDING_SETS: usize = 262_144;

/// Endpoints and names with a number, some 200 bytes each: as many as can have findings. What is observed elsewhere is counted only.
pub const MAX_PLACES: usize = MAX_FINDING_SETS;

/// Flows of one finding whose packets are to be written: some 120 MB.
pub const MAX_TRACED: usize = 1 << 21;

/// Endpoints and names whose certificates are remembered, endpoints of which it is remembered what was spoken there, and keys: some 500 bytes
/// each. Later ones are counted only.
pub const MAX_HISTORIES: usize = 65_536;

/// Certificates of one endpoint and name or of one key, and words for one endpoint: renewals of a year at the shortest lifetime, and
/// more than honest endpoints have side by side.
pub const MAX_HISTORY: usize = 16;

/// Sets of facts, and verdicts on chains, remembered as judged, some 2 kB each; a forgotten one is judged again.
pub const MAX_JUDGED: usize = 65_536;

/// Community ids and frames named as samples of one observation or finding.
pub const MAX_SAMPLES: usize = 3;

/// Endpoints with totals of their own; later ones are counted together.
pub const MAX_ENDPOINTS: usize = 65_536;

/// Pairs of endpoint and peer told apart in one rollup, some 150 bytes each: more than a host speaks with in a minute unless it
/// scans or is scanned.
pub const MAX_ROLLUP_PAIRS: usize = 65_536;

/// Seconds after which a live flow gets a record although it goes on: what an operator waits to hear of a connection that
/// stays for days. NetFlow exporters of routers use 60 to 1800.
pub const ACTIVE: u64 = 300;

/// Packets of a flow that are told as its opening: a handshake with a long chain in small segments has some 40.
pub const MAX_OPENING_PACKETS: u64 = 64;

/// Flows that have ended and whose records are written together: enough that fetching the code for it no longer shows, few enough
/// to stay in the processor's first cache. None waits beyond the frames that are handed in together.
pub const MAX_ENDED: usize = 32;

/// Distinct stacks of encapsulation told apart. A mirror target sees one for each session; beyond, they share one.
pub const MAX_TUNNEL_STACKS: usize = 32_768;

/// Datagrams in fragments at a time, whole ones remembered for repeated fragments included. Linux keeps as many as fit into
/// its 4 MB; more than this at once is a flood, and the oldest is given up first.
pub const MAX_FRAGMENTED: usize = 4096;

/// Bytes of fragments held in all: what Linux allows itself (ipfrag_high_thresh).
pub const MAX_FRAGMENT_BYTES: usize = 4 << 20;

/// Fragments of one datagram: the largest one over the smallest path that is in use, 64 KiB by 552, has 119.
pub const MAX_FRAGMENT_PIECES: usize = 128;

/// No datagram is longer, RFC 791 section 3.1, RFC 8200 section 4.5.
pub const MAX_DATAGRAM: u32 = 65_535;

/// Seconds after which a datagram is given up: Linux's value for IPv4, and less than the silence that ends any flow, so that
/// what came of it still reaches its flow.
pub const FRAGMENT_TIMEOUT: u64 = 30;

/// Seconds in which a fragment of a whole datagram is taken for a copy, as another interface or a mirror makes them; later it
/// begins another datagram with the same identification.
pub const REPEATED_FRAGMENTS: u64 = 1;

/// Seconds of silence after which a flow ends, by what it is. The values are Zeek's, which operators know.
pub mod idle {
    /// An established TCP connection.
    pub const TCP: u64 = 300;
    /// A TCP connection of which nothing but SYN was seen.
    pub const HALF_OPEN: u64 = 30;
    /// After FIN from both sides or RST: retransmissions and the last ACK still belong to it.
    pub const CLOSED: u64 = 5;
    /// UDP, ICMP and the others.
    pub const DATAGRAM: u64 = 60;
    /// IKE and ESP: a tunnel is quiet between rekeys and keepalives.
    pub const IPSEC: u64 = 300;
    /// DNS over UDP with unanswered queries.
    pub const DNS: u64 = 10;
}
