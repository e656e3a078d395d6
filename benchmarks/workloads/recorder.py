"""Records real TLS handshakes: two OpenSSL ends in memory (ssl.MemoryBIO), their flights kept as bytes.

OpenSSL draws its own randoms, so two recordings differ; they are kept in one JSON file, and everything made from
that file is a pure function of it and of the seed.
"""

import base64
import json
import random
import ssl
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, get_args

from .conversation import CLIENT, SERVER
from .pki import Defect, Leaf, Pki, pem

V = ssl.TLSVersion

# How many of each are recorded. TLS 1.2 shows its chain, so there a chain of its own for each counts.
TLS12_RECORDINGS: Final = 1500
TLS13_RECORDINGS: Final = 500
OLD_RECORDINGS: Final = 30
DEFECT_RECORDINGS: Final = 30

# One in 25 asks for a client certificate, two of three negotiate ALPN.
MUTUAL_EVERY: Final = 25
CLIENT_LEAF: Final = 77_777

TLS12_SUITES: Final = (
    "ECDHE+AESGCM",
    "ECDHE+AESGCM",
    "ECDHE+CHACHA20",
    "ECDHE+AES128:!AESGCM:!AESCCM",
)

# A handshake takes at most three flights a side; more rounds mean that it does not end.
MAX_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class Recording:
    """One handshake and one request with its answer; `flights` are (side, bytes)."""

    version: str
    server_name: str
    defect: Defect
    flights: tuple[tuple[int, bytes], ...]

    @property
    def contract_version(self) -> str:
        """OpenSSL says TLSv1 where the record contract says TLSv1.0."""
        return "TLSv1.0" if self.version == "TLSv1" else self.version


@dataclass(frozen=True, slots=True)
class Recordings:
    """All handshakes that the workloads draw from, and the root that vouches for the sound ones."""

    root_pem: str
    tls12: list[Recording]
    tls13: list[Recording]
    old: list[Recording]
    defective: list[Recording]


class _End:
    """One side of a TLS connection in memory."""

    def __init__(self, context: ssl.SSLContext, *, server: bool, name: str | None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server, server_hostname=name)
        self.done = False

    def step(self) -> bytes:
        """Go on with the handshake as far as possible; the bytes to send."""
        if not self.done:
            try:
                self.tls.do_handshake()
                self.done = True
            except ssl.SSLWantReadError:
                pass
        return self.outgoing.read()

    def write(self, data: bytes) -> bytes:
        """Protected data; the bytes to send."""
        self.tls.write(data)
        return self.outgoing.read()


class Recorder:
    """Runs handshakes against one PKI; OpenSSL wants chains as files, so one scratch file is given."""

    def __init__(self, pki: Pki, scratch: Path) -> None:
        self._pki, self._scratch = pki, scratch
        self._root = pem(pki.root.certificate).decode()
        self._client = pki.leaf(CLIENT_LEAF)

    def record(
        self, leaf: Leaf, version: V, *, suites: str = "", mutual: bool = False, alpn: bool = False, defect: Defect = ""
    ) -> Recording:
        """One handshake of exactly `version` against `leaf`, then a request and an answer."""
        server_context, client_context = (
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        client_context.check_hostname = False
        client_context.verify_mode = ssl.CERT_NONE
        self._load_chain(server_context, leaf)
        for context in (server_context, client_context):
            # OpenSSL 3 signs with SHA-1, as TLS 1.0 and 1.1 must, only at security level 0.
            context.set_ciphers("ALL:@SECLEVEL=0" if version < V.TLSv1_2 else suites or "DEFAULT")
            # A client that also speaks TLS 1.2 sends the hello that servers see; the maximum decides.
            context.minimum_version = V.TLSv1 if version < V.TLSv1_2 else V.TLSv1_2
            context.maximum_version = version
            if alpn:
                context.set_alpn_protocols(["h2", "http/1.1"])
        if mutual:
            server_context.verify_mode = ssl.CERT_REQUIRED
            server_context.load_verify_locations(cadata=self._root)
            self._load_chain(client_context, self._client)
        client = _End(client_context, server=False, name=leaf.server_name)
        server = _End(server_context, server=True, name=None)
        flights = tuple(_converse(client, server, leaf.server_name))
        return Recording(client.tls.version() or "", leaf.server_name, defect, flights)

    def _load_chain(self, context: ssl.SSLContext, leaf: Leaf) -> None:
        self._scratch.write_bytes(leaf.pem)
        context.load_cert_chain(self._scratch)

    def record_all(self) -> Recordings:
        """Every recording that the workloads need."""
        rng = random.Random(0)
        tls12, tls13 = [], []
        for number in range(TLS12_RECORDINGS):
            leaf = self._pki.leaf(number)
            mutual, alpn = number % MUTUAL_EVERY == 0, number % 3 != 0
            suites = rng.choice(TLS12_SUITES)
            tls12.append(self.record(leaf, V.TLSv1_2, suites=suites, mutual=mutual, alpn=alpn))
            if number < TLS13_RECORDINGS:
                tls13.append(self.record(leaf, V.TLSv1_3, mutual=mutual, alpn=alpn))
        old = [
            self.record(self._pki.leaf(90_000 + number), V.TLSv1 if number % 2 else V.TLSv1_1)
            for number in range(OLD_RECORDINGS)
        ]
        defective = [
            self.record(self._pki.leaf(91_000 + number, defect), V.TLSv1_2, suites="ECDHE+AESGCM", defect=defect)
            for number in range(DEFECT_RECORDINGS)
            for defect in get_args(Defect)
            if defect
        ]
        return Recordings(self._root, tls12, tls13, old, defective)


def _converse(client: _End, server: _End, name: str) -> Iterator[tuple[int, bytes]]:
    for _ in range(MAX_ROUNDS):
        for side, sender, receiver in ((CLIENT, client, server), (SERVER, server, client)):
            if flight := sender.step():
                receiver.incoming.write(flight)
                yield side, flight
        if client.done and server.done:
            break
    else:
        raise RuntimeError(f"the handshake with {name} does not end")
    yield CLIENT, client.write(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    yield SERVER, server.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def load_recordings(cache: Path) -> Recordings:
    """The recordings of the cache file, which is made first where it is absent."""
    if not cache.exists():
        sys.stderr.write("recording TLS handshakes (once, about a minute)\n")
        with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
            # Python warns of TLS 1.0 and 1.1, which are wanted here.
            warnings.simplefilter("ignore", DeprecationWarning)
            recordings = Recorder(Pki(), Path(directory) / "chain.pem").record_all()
        partial = cache.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(recordings), default=_as_text), encoding="ascii")
        partial.replace(cache)
    stored = json.loads(cache.read_text(encoding="ascii"))
    lists = {kind: [_from_json(entry) for entry in stored[kind]] for kind in ("tls12", "tls13", "old", "defective")}
    return Recordings(root_pem=stored["root_pem"], **lists)


def _as_text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _from_json(entry: dict[str, Any]) -> Recording:
    flights = tuple((side, base64.b64decode(data)) for side, data in entry.pop("flights"))
    return Recording(flights=flights, **entry)
