"""The packet-parsing core (Rust, `parsers/`): reference of what crosses into Python.

Packets never cross. What does: bytes of finished flow records, observations, certificates, counters. Times are integers,
nanoseconds since the Unix epoch (UTC) of the packet, never of the clock. The core releases the GIL while it works and never
raises for what a packet contains: damage is data.
"""

from typing import Final, final

__version__: Final[str]

class CaptureError(ValueError):
    """The input is not a capture that can be read: wrong magic, unsupported link type in its only interface, broken compression."""

@final
class Capture:
    """A capture file, read front to back through one reused buffer.

    pcap (µs, ns, both byte orders, modified 0xa1b2cd34) and pcapng, plain or in gzip, zstd or xz; recognised by content.
    """

    def __init__(self, path: str | None = None, *, fd: int | None = None) -> None:
        """Open `path`, or read from the descriptor `fd` (not closed by the capture), for instance 0 for standard input.

        Raises OSError for what cannot be opened or read, CaptureError for what is no capture.
        """

    @property
    def format(self) -> str:
        """`pcap` or `pcapng`."""

    @property
    def compression(self) -> str | None:
        """`gzip`, `zstd`, `xz` or None."""

    @property
    def position(self) -> int:
        """Bytes of the file read so far, as stored (so compressed bytes of a compressed file)."""

    @property
    def size(self) -> int | None:
        """Bytes of the file as stored, None for a pipe."""

    @property
    def drops(self) -> int:
        """Packets that the capturing system itself says it lost (pcapng Interface Statistics Blocks read so far)."""

    @property
    def damage(self) -> list[tuple[int, str]]:
        """What could not be read so far: (offset in the uncompressed capture, in bytes; what was wrong there)."""

@final
class Core:
    """Flow table, classification and handshakes; one capture after another, or one live ring."""

    def __init__(
        self,
        *,
        flows: bool = True,
        endpoints: bool = False,
        max_flows: int = 1_048_576,
        seed: int | None = None,
    ) -> None:
        """`flows`: serialise flow records. `endpoints`: keep totals for each endpoint. `max_flows`: bound of the flow table;
        beyond it one of those longest silent is closed (`end_reason` evicted) and counted. `seed` keys the hash of the flow
        table (random if None; records do not depend on it)."""

    def feed(self, capture: Capture, packets: int) -> bool:
        """Read and process up to `packets` packets; False once the capture has ended. Raises OSError if reading fails."""

    def finish(self, flows: int | None = None) -> bool:
        """Close open flows (`end_reason` eof), in the order (start, 5-tuple): all, or up to `flows` of them, so that the records of
        a full table need not be held at once. False once none is left; another capture may be fed then."""

    def take(self) -> Batch:
        """What has come about since the last call; buffers in the core are emptied."""

    def totals(self) -> bytes:
        """JSON object with the summary's counters so far: start, end (of the packets), packets, bytes, flows, by_class {class:
        {flows, packets, bytes}}, other {what: packets} (frames that are no IP), malformed {what: packets}, limits {name: count}."""

    def endpoints(self) -> list[Endpoint]:
        """Totals for each endpoint, by bytes, largest first; empty unless asked for in the constructor."""

@final
class Batch:
    @property
    def records(self) -> bytes:
        """Flow records of the contract as JSON Lines, in the order in which the flows closed."""

    @property
    def certificates(self) -> list[tuple[str, bytes]]:
        """Certificates never seen before by this core: (SHA-256 in lower hex, DER)."""

    @property
    def observations(self) -> list[Observation]:
        """Observations made or counted up since the last take, in order of first sight."""

@final
class Observation:
    """One distinct set of protocol facts at one endpoint; what checks judge. Flows are counted onto it in the core."""

    @property
    def id(self) -> int:
        """Stable within one core: the same id comes again when it was counted up."""

    @property
    def facts_id(self) -> int:
        """Equal for equal `facts` within one core, so that what depends on the facts alone is worked out once."""

    @property
    def facts(self) -> bytes:
        """JSON object, flat, keys as the checks and policies name them: `class`, `protocol`, `starttls`,
        `tls.version`, `tls.suite`, `tls.group`, `tls.dh_bits`, `tls.compression`, `tls.sni`, `tls.alpn`, `tls.resumed`,
        `tls.extended_master_secret`, `tls.renegotiation_info`, `tls.encrypt_then_mac`, `tls.hello_retry_request`,
        `tls.certificates` (SHA-256s, leaf first; absent = none readable), `tls.client_certificates`,
        `ike.version`, `ike.mode`, `ike.encr`, `ike.key_length`, `ike.prf`, `ike.integ`, `ike.ke`, `ike.additional_ke`, `ike.notifies`,
        `esp.null_encryption`, `plaintext.credentials` (kind: http_basic, ftp_pass, …), `plaintext.account` (the account's name;
        the secret never leaves the core). Absent means not seen; values are strings, numbers, booleans or lists of strings."""

    @property
    def endpoint(self) -> str:
        """`10.0.3.7:443/tcp`, `[2001:db8::1]:443/tcp`, for IPsec `A<->B/esp` with the addresses sorted."""

    @property
    def name(self) -> str | None:
        """The server's name as the client asked for it (SNI), else None."""

    @property
    def count(self) -> int:
        """Flows counted onto it since the last take."""

    @property
    def first_seen(self) -> int:
        """Start of its first flow, ns."""

    @property
    def last_seen(self) -> int:
        """Time of the packet that completed its latest flow's facts, ns."""

    @property
    def flows(self) -> list[str]:
        """Community ids of its first flows in this batch, 3 at most."""

    @property
    def frames(self) -> list[int]:
        """Frame numbers (from 1) in the current capture where the facts of these flows were completed."""

@final
class Endpoint:
    """Totals of one endpoint and class (only with `endpoints=True`)."""

    @property
    def endpoint(self) -> str: ...
    @property
    def class_(self) -> str: ...
    @property
    def protocol(self) -> str:
        """Empty for class unknown."""

    @property
    def name(self) -> str | None:
        """The last server name seen there."""

    @property
    def flows(self) -> int: ...
    @property
    def bytes(self) -> int: ...
