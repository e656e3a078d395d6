"""The packet-parsing core (Rust, `parsers/`): reference of what crosses into Python.

Packets never cross. What does: bytes of finished flow records, observations, certificates, counters. Times are integers,
nanoseconds since the Unix epoch (UTC) of the packet, never of the clock. The core releases the GIL while it works and never
raises for what a packet contains: damage is data.
"""

from collections.abc import Callable, Sequence
from typing import Final, final

__version__: Final[str]

class CaptureError(ValueError):
    """The input is not a capture that can be read: wrong magic, unsupported link type in its only interface, broken compression."""

class FilterError(ValueError):
    """A filter that cannot be understood; the message names filter, place and what may have been meant."""

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
class Live:
    """Interfaces of this host, each through a TPACKET_V3 ring (packet(7)). For one thread at a time."""

    def __init__(self, interfaces: Sequence[str], *, ring_bytes: int = 33_554_432, promiscuous: bool = False) -> None:
        """Open a ring of `ring_bytes` for each; `any` is all interfaces, also those that come later. Raises PermissionError without
        CAP_NET_RAW, FileNotFoundError where there is no such interface, other OSError, and ValueError without any interface."""

    def bypass(self) -> None:
        """Put a socket filter with a map of flows in front of each ring, so that a core can have long flows counted in the kernel.
        Raises PermissionError without CAP_BPF, other OSError; everything is read as before then."""

    @property
    def bypassed(self) -> tuple[int, int] | None:
        """Packets and bytes that were counted in the kernel, as far as they were collected; None without a bypass."""

    def follow(self) -> None:
        """Bind again what was taken away and came back; to be called now and then. Needs no capability."""

    def interfaces(self) -> list[tuple[str, bool, int, int, int, int]]:
        """For each: name, whether it is there, and since it was opened: packets that reached it (lost ones included), drops (no
        room in the ring), freezes (times the ring was full), copies (the loopback's second copies, left out)."""

def drop_capabilities() -> None:
    """Give up every capability of this thread and of those that it starts, and the chance of new ones (PR_SET_NO_NEW_PRIVS),
    capabilities(7). Raises OSError."""

def confine() -> None:
    """Have the kernel refuse this thread, and those that it starts from now on, to run programs, to reach the network or other
    processes, and more that nothing needs who looks at packets (EPERM, seccomp(2)). Wants what `drop_capabilities` set. Raises
    OSError where there are no such filters."""

def keep_memory() -> None:
    """For a process that ends when its captures are read: memory that was given back is kept for what comes next, and the next 32 MB
    are had in large pages where the kernel gives them on advice. Costs up to 10 MB more, and saves most page faults."""

@final
class Core:
    """Flow table, classification and handshakes; one capture after another, or one live ring."""

    def __init__(
        self,
        *,
        flows: bool = True,
        endpoints: bool = False,
        names: bool = False,
        exposed: bool = False,
        max_flows: int = 1_048_576,
        seed: int | None = None,
        hash_key: bytes | None = None,
        why: bool = False,
        workers: int = 1,
    ) -> None:
        """`flows`: serialise flow records. `endpoints`: keep totals for each endpoint. `names`: tell observations
        apart by server names, ALPN and chains among their facts too, for rules that ask for those. `exposed`: observe
        how much a quantum computer could read, for rules that ask for it. `max_flows`: bound of the flow table;
        beyond it one of those longest silent is closed (`end_reason` evicted) and counted. `seed` keys the hash of the flow
        table (random if None; records do not depend on it). `hash_key`: secrets seen in the clear are shown as the first half of
        HMAC-SHA-256 under this key, which has 16 bytes at least (else ValueError). `why`: flow records say what decided the class.
        `workers`: threads among which flows are divided by their pair of addresses, 1 to 64 (else ValueError), each with its part of
        `max_flows`. Records and certificates come in the order of the workers then; apart from that all is the same as with one."""

    def feed(self, capture: Capture, packets: int) -> bool:
        """Read and process up to `packets` packets (with several workers those of the last buffer too); False once the capture has ended. Raises OSError if reading fails."""

    def run(self, capture: Capture, packets: int, flows: int, sink: Callable[[Batch], bool]) -> None:
        """The whole capture and then its end, as `feed`, `finish` and `take` (without observations), where there are several
        workers; these stay for all of it. `sink` has a batch after each `packets` and each `flows`, and says whether to read on.
        Raises OSError once all flows have ended, if reading failed."""

    def read_keys(self, path: str) -> None:
        """Take in the handshake traffic secrets of a key log file (SSLKEYLOGFILE, RFC 9850), to open TLS 1.3 handshakes with, as
        those of a capture's Decryption Secrets Blocks always are; or the keys of IKE SAs and ESP associations, as lines of Wireshark's
        tables ikev2_decryption_table and esp_sa. Up to 262,144 sessions and 131,072 associations are kept (`limits`:
        key_log_sessions). Sessions with an Encrypted Client Hello are looked for under any random, up to a million secrets tried in
        all (`limits`: key_log_searches). To be called before `feed`. Raises OSError."""

    def listen(self, live: Live, packets: int, milliseconds: int) -> bool:
        """Process what comes within `milliseconds`, up to `packets`; True if that many came, so that more may be waiting."""

    def bypass(self) -> None:
        """Have flows of which nothing more is to be learnt counted in the kernel, by rings with a bypass."""

    def collect(self, live: Live) -> int:
        """Add to the flows what was counted there since the last call, and let go of those that end; to be called every second or so.
        Gives the number of flows that are counted there. Raises PermissionError, once, if the kernel takes no flows from a process
        without rights (Linux before 5.19)."""

    def expire(self, time: int) -> None:
        """Close what was silent until `time` (ns), where no packet comes to say how late it is."""

    def keep_openings(self, most: int) -> None:
        """Keep packets that are looked into, up to 64 of a flow and `most` bytes in all, the latest. ValueError with several workers."""

    def kept(self, frame: int) -> list[tuple[int, int, int, int, bytes]]:
        """What is kept of the flow that a frame belongs to: number, time (ns), length on the wire, LINKTYPE_, bytes. Empty if that frame
        is not kept any more."""

    def stay_live(self) -> None:
        """From now on flows that last get a record every 300 s (`end_reason` active), their successors `continues`, and `rollup` counts."""

    def rollup(self, most: int) -> bytes:
        """What the records since the last call come to, as a JSON object: `pairs`, the `most` largest by bytes, {endpoint, peer (absent where
        the endpoint is a pair), class, protocol, flows, packets [from the peer, to it], bytes}; `distinct`: how many pairs there were;
        `others`: sums of those not shown, by class. Up to 65,536 pairs are told apart by each worker (`limits`: rollup_pairs)."""

    def tell_sessions(self) -> None:
        """From now on observations keep what `Batch.sessions` gives."""

    def tell_tunnels(self) -> None:
        """From now on batches have `associations` and `so_far`."""

    def tell_names(self, names: bool) -> None:
        """The constructor's `names`, from now on."""

    def shift(self, by: int) -> None:
        """The clock was set by so many ns: flows go on as if it had always been so."""

    @property
    def open_flows(self) -> int:
        """Flows in the table now."""

    def select(self, filters: Sequence[str], begin: int | None, end: int | None) -> None:
        """Leave out packets before `begin` and from `end` on (ns), and flows for which one of the filters does not hold; what is
        left out is in no record, observation or total but `filtered`. A filter joins conditions by `and`, `or`, `not` and
        parentheses: `host ADDRESS[/LENGTH]` (either end), `port N[-M]` (either end), `transport WORD`, `class WORD`,
        `protocol WORD`, with the words of the flow record. Flows are followed to their end where class or protocol are asked
        for, else left out with their first packet. To be called before `feed`. Raises FilterError."""

    def protect(self, policies: Sequence[str], *, host: bool = False) -> None:
        """Tell flows outside of IPsec that have to be inside. A policy is a prefix (all that enters or leaves it) or several with
        commas between (all between two of them), this side first; `host`: the kernel says so, instead of
        what it said before. Observations of such flows have class
        ipsec, leak.class, leak.protocol, leak.source (given, traffic_selectors, host), leak.policy, leak.direction (both, outbound, inbound,
        one_way) and leak.seen_inside; without leak.source and what follows those of flows that were seen inside too. They come
        10 s after the flow. Up to 1024 policies and 65,536 flows that wait (`limits`: leak_policies, leak_waiting). Raises ValueError."""

    def watch_dns(self, *, bytes_a_day: float = 2600.0, servers: bool = False, state: bytes | None = None) -> None:
        """How closely DNS is looked at (probe.dns_options), whether facts tell which servers were asked (`dns.server`), and what an earlier core remembered of it (`dns_state`). To be called
        before `feed`. Raises ValueError for a state that cannot be read: cut short, damaged, of another version or size."""

    def dns_state(self) -> bytes:
        """What is remembered of DNS: what was charged to whom, which names came, who uses what; 2 to 8 MB. Alerts are not part of it."""

    def trace(self) -> None:
        """Name every flow in observations, for `Ledger.trace`; take them often then. To be called before `feed`. Raises ValueError
        if there are several workers."""

    def extract(self, capture: Capture, packets: int, extraction: Extraction) -> bool:
        """Like `feed`, and write the packets of the extraction's flows. For a core that was made and is fed like the one that
        traced them. False also once writing has failed; `Extraction.close` says of what then."""

    def finish(self, flows: int | None = None) -> bool:
        """Close open flows (`end_reason` eof), in the order (start, 5-tuple): all, or up to `flows` of them, so that the records of
        a full table need not be held at once. False once none is left; another capture may be fed then."""

    def take(self, *, observations: bool = True) -> Batch:
        """What has come about since the last call; buffers in the core are emptied. Without `observations` these stay, and are
        counted up further, unless very many have come together: each is then handed over once, not once a batch."""

    def totals(self) -> bytes:
        """JSON object with the summary's counters so far: start, end (of the packets), packets, bytes, flows, by_class {class:
        {flows, packets, bytes}}, other {what: packets} (frames that are no IP), malformed {what: packets}, limits {name: count};
        once keys were given also keys {secrets, malformed (lines), decrypted, unfit (sessions)}; after `select` also filtered {packets, flows}: what was left out, in flows those that were followed to their end."""

    def endpoints(self) -> list[Endpoint]:
        """Totals for each endpoint, by bytes, largest first; empty unless asked for in the constructor."""

@final
class Batch:
    def __init__(
        self,
        *,
        records: bytes | None = None,
        certificates: list[bytes] = ...,
        observations: list[Observation] = ...,
    ) -> None:
        """`Core.take` makes them; by hand (certificates as DER) for tests and for what was observed elsewhere."""

    @property
    def records(self) -> bytes:
        """Flow records of the contract as JSON Lines, in the order in which the flows closed."""

    @property
    def tunnels(self) -> bytes:
        """Records of tunnels of IKE, ESP and AH that have ended, as JSON Lines."""

    @property
    def associations(self) -> bytes:
        """After `tell_tunnels`: associations of ESP and AH whose flows ended or had a record, as JSON Lines {protocol, src, dst, spi, start, end
        (ns), packets}."""

    @property
    def so_far(self) -> bytes:
        """After `tell_tunnels`: flows of IKE, ESP and AH that ended or had a record, each as the record of a tunnel."""

    @property
    def certificates(self) -> list[bytes]:
        """Certificates never seen before by this core, as DER."""

    def sightings(self) -> list[tuple[str, str | None, bytes, int, str | None]]:
        """Of each observation that no ledger took: endpoint, name, facts (JSON) without names and chains unless the core tells those
        apart, flows, SHA-256 of the server's own certificate where one was shown."""

    def sessions(self) -> list[tuple[str, str | None, bytes, bytes, str | None, int]]:
        """Of each observation of TLS that no ledger took, after `Core.tell_sessions`: endpoint, name, facts (JSON) as in `sightings`,
        what the first flow told besides (JSON: `alpn_offered`, `server_flight`), SHA-256 of the leaf certificate if one was sent
        and could be read, last seen (ns)."""

    @property
    def has_certificates(self) -> bool:
        """Whether there are any."""

    @property
    def certificate_records(self) -> bytes:
        """Their records as JSON Lines, but for the odd ones."""

    @property
    def odd_certificates(self) -> list[tuple[str, bytes]]:
        """Those that are out of the ordinary, so that `cryptography` has to read them: (SHA-256 in lower hex, DER)."""

@final
class Observation:
    """One distinct set of protocol facts at one endpoint, under one name and with one chain; what is judged. Flows are counted
    onto it in the core, and it is counted onto findings by a `Ledger`."""

    def __init__(
        self,
        facts: bytes,
        endpoint: str,
        *,
        name: str | None = None,
        chain: list[str] = ...,
        count: int = 1,
        first_seen: int = 0,
        last_seen: int = 0,
        samples: list[tuple[str, int]] = ...,
    ) -> None:
        """`facts`: JSON object, flat, keys as the checks and policies name them: `class` (not of a login in a later
        request: its flow was judged before), `protocol`, `starttls`,
        `tls.version`, `tls.suite`, `tls.group`, `tls.dh_bits`, `tls.compression`, `tls.sni`, `tls.alpn`, `tls.resumed`,
        `tls.extended_master_secret`, `tls.renegotiation_info`, `tls.encrypt_then_mac`, `tls.hello_retry_request`,
        `tls.version_offered` (the highest), `tls.downgrade_sentinel` (the version that the server's random says it could do),
        `tls.fallback_scsv`, `tls.signature_scheme` (of the ServerKeyExchange), `tls.client_certificate` (requested, absent,
        presented, accepted, refused; TLS 1.2 and below), `tls.ocsp_staple`, `tls.alert`, `tls.alert_from` (client, server),
        `tls.early_data_offered`, `tls.ech_offered`, `tls.ech` (real, grease, offered, inner), `tls.sni_offered` (only false),
        `tls.certificates` (SHA-256s, leaf first; absent = none readable), `tls.client_certificates`,
        `ike.version`, `ike.mode`, `ike.encr`, `ike.key_length`, `ike.prf`, `ike.integ`, `ike.ke`, `ike.additional_ke`, `ike.notifies`,
        `esp.null_encryption`, `plaintext.credentials` (kind: http_basic, ftp_pass, …), `plaintext.account` (the account's name;
        the secret never leaves the core), `plaintext.secret_hmac` (with `hash_key`), `http.redirect_to_https`, `http.hsts`,
        `http.request_carries` (cookie, body), `tls.starttls` (of a dialogue that stayed in the clear: offered, refused, mangled). Absent means not seen; values are strings, numbers, booleans or lists of strings.
        `endpoint`: `10.0.3.7:443/tcp`, `[2001:db8::1]:443/tcp`; those of the core may also be pairs `A<->B/esp` with the addresses
        sorted. `name`: the server's name as the client asked for it (SNI). `chain`: SHA-256s of the certificates, leaf first, and behind them of
        what came with them (probe.trust.beside), if anything did. Of a client's chain the facts have `role`: `client`.
        `count`: flows. `first_seen`: start of its first flow, ns. `last_seen`: time of the packet that completed its latest
        flow's facts, ns. `samples`: (Community ID, frame in which the facts were completed, from 1), 3 at most are kept.
        Raises ValueError for an endpoint, hash or Community ID that is none."""

@final
class Verdict:
    """What a check or a rule says about a set of facts, ready for the lines of its findings."""

    def __init__(
        self,
        check: str,
        status: str,
        severity: str,
        title: str,
        observed: bytes,
        key: bytes,
        *,
        details: bytes | None = None,
        remediation: str | None = None,
        policy: str | None = None,
        rule: str | None = None,
        clause: str | None = None,
        evidence: str = "observed",
        public_only: bool = False,
    ) -> None:
        """The members of the finding record; `observed` as a JSON object, `key` (the part of it that tells this finding from
        another of the same check or rule at the same endpoint) as canonical JSON; `details`: a JSON object with further members of the
        record; `public_only`: it holds at addresses of the public Internet only. Raises ValueError for a status or severity that
        the contract does not know."""

@final
class Ledger:
    """Counts observations of one or several cores onto findings.

    It judges nothing itself: a set of facts, or a chain at a time, that it meets for the first time is a question; it is answered
    once, and then serves every endpoint and name. Bounded: answers beyond 65,536 are forgotten and asked again, findings beyond
    262,144 are counted only (`limits`).
    """

    def __init__(
        self,
        wordings: Sequence[tuple[str, tuple[str, str, str, str | None, str | None, bool]]],
        *,
        passes: bool = False,
        at: int | None = None,
        eras: Sequence[int] = (),
    ) -> None:
        """`wordings`: for each reason of `certificate.chain`: status, severity, title, what else the title tells (`detail`,
        `subject`, `issuer` or nothing), remediation, whether it holds at public addresses only; the row `outside_profile` is for `ok`
        with a detail, `certificate.self_signed` comes besides `self_signed`. `passes`: verdicts of
        status pass become findings too. `at`: judge chains at this time, ns, rather than at that of the packets. `eras`: seconds
        since the epoch at which rules begin or end; facts are asked about once in each interval between them."""

    def trust(self, roots: Roots) -> None:
        """Judge chains against these roots, as far as no library is needed. They are taken out of `roots`."""

    def inherit(self, other: Ledger) -> None:
        """Take in the certificates of one that judged before: cores hand out each certificate once."""

    def certificate(self, sha256: str) -> bytes | None:
        """The DER of a certificate that was added, by its SHA-256 in hex."""

    def add(self, batch: Batch, source: str) -> None:
        """Take in the certificates of a batch of the capture `source` (its name in evidence), and take its observations out. They
        wait until `settle`."""

    def facts(self) -> list[tuple[int, bytes, int]]:
        """Sets of facts that were not asked about before: number, facts (see `Observation`), and a second of their era."""

    def answer_facts(self, number: int, verdicts: list[Verdict], word: str | None = None) -> None:
        """`word`: what such facts are in a word, if that is to be remembered of the endpoints that show them."""

    def histories(self) -> list[tuple[int, str, bytes]]:
        """What came since the last call and is only to be seen over several observations: number, kind, JSON object. Each thing has
        `first_seen`, `last_seen` (seconds since the epoch) and `flows`, in the order of the first.
        `certificates`: those of one endpoint and name: name, certificates [{certificate (its record, or its sha256 alone)}].
        `words`: those of one endpoint: words [{word}]. `key`: one key in several certificates: spki_sha256, certificates,
        places [{endpoint, name}], elsewhere (flows at more places than are kept).
        65,536 of each kind are remembered, 16 things of each (`limits`: histories)."""

    def answer_history(self, number: int, verdicts: list[Verdict]) -> None:
        """They are counted at every place that the question was about."""

    def next_chain(self) -> tuple[int, list[str], str | None, int] | None:
        """A chain that was not judged yet for a name and time: number, SHA-256s (leaf first), name, seconds since the epoch."""

    def answer_chain(
        self,
        number: int,
        reasons: Sequence[tuple[str, str | None, str | None, str | None, str | None, str | None]],
        since: int,
        until: int,
    ) -> None:
        """`reasons`: (reason, SHA-256, subject, issuer, detail, store) for each reason against the chain, or one `ok`. The answer serves
        from the second `since` to the second `until`, both included."""

    def trace(self, uid: str) -> None:
        """Keep the flows counted onto the finding whose uid begins with `uid`, for an `Extraction`."""

    def settle(self) -> None:
        """Count what was added onto findings by the answers; what was not answered counts for nothing."""

    def take(self) -> Report:
        """The findings since the last call."""

    @property
    def limits(self) -> dict[str, int]:
        """Limits that were hit and how often: `findings` (too many, counted only), `certificates` (too many, not kept), `histories`
        (observations of too many endpoints, keys or certificates, not remembered)."""

@final
class Extraction:
    """The packets of the flows behind a finding, on their way into a capture file."""

    def __init__(self, core: Core, ledger: Ledger, fd: int) -> None:
        """Write the flows that `ledger` traced with `core` into the descriptor `fd` (not closed): pcap if the packets that the core
        read have one link type and times until 2106, in microseconds unless one is finer; else pcapng."""

    @property
    def flows(self) -> int: ...
    @property
    def limited(self) -> int:
        """Flows left out because there were more than 2,097,152."""

    @property
    def packets(self) -> int:
        """Packets written so far."""

    def close(self) -> None:
        """Write the rest. Raises OSError for anything that could not be written."""

@final
class Report:
    """Findings to be read once, in an order that does not depend on how they came: the worst first, then by check, endpoint and uid."""

    def __len__(self) -> int: ...
    @property
    def against(self) -> list[tuple[str, int]]:
        """Findings that are warn or fail, by severity, the worst first; severities that did not occur are left out."""

    @property
    def not_observable(self) -> int:
        """Findings that say that something could not be observed."""

    def lines(self, most: int) -> bytes:
        """Records of the next up to `most` findings, as JSON Lines; nothing once all were read."""

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

def certificate_record(der: bytes) -> bytes | None:
    """The certificate record's line; None if something in the certificate is out of the ordinary, so that `cryptography` has to read
    it (probe.trust.certificates)."""

def wildcard_breadth(names: list[str]) -> str | None:
    """What is to be said of the wildcards among a certificate's DNS names, None if nothing (`certificate.wildcard`)."""

@final
class Known:
    """What is known of keys and issuers besides what a certificate says itself."""

    def __init__(self, weak_keys: list[bytes] = ..., middleboxes: list[tuple[str, str]] = ...) -> None:
        """`weak_keys`: lists of keys in the format of openssl-blacklist (openssl-vulnkey(1)). `middleboxes`: the beginning of an attribute
        of an issuer's name, as RFC 4514 writes it, and the product that signs so. Raises ValueError for a list that is none."""

    def weak_key(self, der: bytes) -> str | None:
        """Why the RSA key of a certificate protects nothing, whatever its size; None if nothing is known against it."""

    def middlebox(self, issuer: str) -> str | None:
        """The product that signs with this name (RFC 4514)."""

@final
class Roots:
    """Trusted certificates, for the judgement of chains that cannot reach one of them (probe.trust.anchors) and of ordinary ones that
    do, whose signatures are checked."""

    def __init__(self, ders: list[bytes], public: int = 0) -> None:
        """The first `public` of them are the host's own."""

    def trust(self, store: str, ders: list[bytes], public: bool) -> None:
        """Take in those of the store with this name; `public`: of a public programme, whose authorities the CA/B Forum's rules bind."""

    def __len__(self) -> int:
        """How many distinct ones have been read."""

    @property
    def unread(self) -> list[bytes]:
        """DER of those that `cryptography` has to read. While there are any, `judge` gives None."""

    def resolve(self, der: bytes, subject: str | None) -> None:
        """Take one of the unread off the list, with its subject as an RFC 4514 string, or None if it cannot be parsed."""

    def know(self, known: Known) -> None:
        """Look keys and issuers up there."""

    def leave_all(self) -> None:
        """Never judge anything."""

    def leave(self, issuer: str) -> None:
        """Never judge what this authority issued (RFC 4514): more is known of it than certificates tell."""

    def judge(
        self, chain: list[bytes], name: str | None, when: int, *, client: bool = False, peer: bool = False
    ) -> tuple[list[tuple[str, str, str | None]], int, int, str | None] | None:
        """What `Chains.judge` says of a chain (DER, leaf first), of a server, a client or a peer of IKE, at `when` (seconds since the epoch):
        [(reason, SHA-256 of the certificate, detail)], the first and last second at which that holds, and the stores that an
        accepted chain reaches. None if something in the chain is out of the ordinary, it should reach a root and does not, or
        a client's may reach one."""
