"""Whether a chain that was seen would be accepted, and if not, every reason why.

Roles: the verdict is `cryptography`'s (RFC 5280 in the web PKI's profile), the reason OpenSSL's (openssl.py), names
service_identity's (identity.py), keys and signatures our own (reasons.py). Order and superfluous certificates in what
the server sent do not matter: both libraries take them as a pool. Nothing here raises for what a certificate holds.
"""

import datetime as dt
import ipaddress
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from msgspec import Struct

from probe.bounded import Lru
from probe.model import NANOSECONDS
from probe.trust import anchors, names, openssl, peers, reasons, validity
from probe.trust.beside import NOTHING, Beside
from probe.trust.beside import read as read_beside
from probe.trust.certificates import Parsed, certificate_lines, extension, parse
from probe.trust.reasons import Judgement, of
from probe.trust.store import Store

MAX_CHAIN: Final = 32  # certificates of one chain looked at: the longest real ones have 6
MAX_CERTIFICATES: Final = 16_384  # kept parsed, some 10 kB each
MAX_PATHS: Final = 16_384  # verdicts kept per chain and interval of time, some 1 kB each
MAX_NAMES: Final = 65_536  # verdicts kept per (leaf, name), some 500 bytes each
_DAY: Final = 86_400
_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z; a damaged time is judged as the nearest
_NAMES_TRIED: Final = 4  # alternative names of a leaf tried for one that the verifier takes as a subject

Judgements = tuple[Judgement, ...]


class _Known(Struct, frozen=True, eq=False):
    """A chain whose certificates were kept."""

    certificates: list[Parsed]
    ends: list[int]
    """Seconds since the epoch, sorted; see `_ends`."""
    beside: Beside = NOTHING


class Chains:
    """Certificates seen, and the verdicts on their chains against one store."""

    def __init__(
        self, store: Store, fetch: Callable[[str], bytes | None] | None = None, parsers: ModuleType | None = None
    ) -> None:
        """`fetch`: gives the DER of a certificate by its SHA-256, None if it is not known. `parsers`: the core, which
        looks at keys, wildcards and issuers; without it nothing is said of these.

        The store's roots are read when the first chain is judged.
        """
        self._store = store
        self._fetch = fetch
        self._parsers = parsers
        self._openssl: openssl.Verifier | None = None
        self._certificates: Lru[str, Parsed] = Lru(MAX_CERTIFICATES)
        self._chains: Lru[tuple[str, ...], _Known] = Lru(MAX_PATHS)
        self._paths: Lru[tuple[tuple[str, ...], int, int, int, int, int], Judgements] = Lru(MAX_PATHS)
        self._names: Lru[tuple[str, str | None, bool], Judgements] = Lru(MAX_NAMES)

    def add(self, sha256: str, der: bytes) -> Parsed:
        """Parse a certificate that is seen for the first time and keep it for the chains to come."""
        return self._certificates.put(sha256, parse(sha256, der))

    def read(self, certificates: Iterable[tuple[str, bytes]]) -> bytes:
        """The records of certificates (SHA-256, DER), which are kept like those of `add`."""
        return certificate_lines(self.add(sha256, der).record for sha256, der in certificates)

    def record(self, sha256: str) -> dict[str, Any]:
        """The record of a certificate as a dictionary; of one that is not known the SHA-256 alone."""
        parsed = self._get(sha256)
        return {"sha256": sha256} if parsed is None else msgspec.to_builtins(parsed.record)

    def _get(self, sha256: str) -> Parsed | None:
        parsed = self._certificates.get(sha256)
        if parsed is None and self._fetch is not None and (der := self._fetch(sha256)) is not None:
            parsed = self.add(sha256, der)
        return parsed

    def judge(self, chain: tuple[str, ...], name: str | None, when: int) -> Judgements:
        """Every reason against the chain (SHA-256s, leaf first) at `when` (ns), or one `ok`."""
        known = self._known(chain)
        if known is None:
            return (Judgement("not_observable", chain[0] if chain else None, detail="the certificate was not kept"),)
        leaf = known.certificates[0]
        when = min(max(when // NANOSECONDS, 0), _LAST_SECOND)
        path_key = (chain, when // _DAY, *_places(known.ends, when), *_places(self._store.ends, when))
        path = self._paths.get(path_key)
        if path is None:
            path = self._paths.put(path_key, self._safely(leaf, lambda: self._judge_path(known, when)))
        name_key = (leaf.sha256, name, known.beside.peer)
        named = self._names.get(name_key)
        if named is None:
            judge_name = peers.judge_name if known.beside.peer else _judge_name
            named = self._names.put(name_key, self._safely(leaf, lambda: tuple(judge_name(leaf, name))))
        return _together(leaf, path, named)

    def period(self, chain: tuple[str, ...], when: int) -> tuple[int, int]:
        """The seconds around `when` (ns), both included, in which `judge` gives the same answer."""
        second = min(max(when // NANOSECONDS, 0), _LAST_SECOND)
        known = self._known(chain)
        since = second // _DAY * _DAY
        until = since + _DAY - 1
        for ends in ([] if known is None else known.ends, self._store.ends):
            left, right = _places(ends, second)
            if left != right:
                return second, second
            since = max(since, ends[left - 1] + 1) if left else since
            until = min(until, ends[left] - 1) if left < len(ends) else until
        return since, until

    def _known(self, chain: tuple[str, ...]) -> "_Known | None":
        """The certificates of a chain, each once, if the leaf was kept."""
        known = self._chains.get(chain)
        if known is None:
            hashes, beside = self._apart(chain)
            found = (self._get(sha256) for sha256 in dict.fromkeys(hashes[:MAX_CHAIN]))
            certificates = [parsed for parsed in found if parsed is not None]
            if not certificates or certificates[0].sha256 != chain[0]:
                return None
            ends = [*_ends(certificates), *_ends_of_staples(beside)]
            if self._store.revocations is not None:
                ends += self._store.revocations.ends(certificates)
            if self._store.logs is not None:
                ends += self._store.logs.ends(certificates[0], beside)
            known = self._chains.put(chain, _Known(certificates, sorted(ends), beside))
        return known

    def _apart(self, chain: tuple[str, ...]) -> tuple[tuple[str, ...], Beside]:
        """The certificates, and what came with them."""
        if self._fetch is not None and len(chain) > 1 and self._certificates.get(chain[-1]) is None:
            last = self._fetch(chain[-1])
            if last is not None and (beside := read_beside(last)) is not None:
                return chain[:-1], beside
        return chain, NOTHING

    @staticmethod
    def _safely(leaf: Parsed, function: Callable[[], Judgements]) -> Judgements:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return function()
            except Exception as error:  # noqa: BLE001 - whatever a library raises for hostile bytes is their property
                return (Judgement("unparseable", leaf.sha256, detail=f"{type(error).__name__}: {error}"[:200]),)

    def _judge_path(self, known: _Known, when: int) -> Judgements:
        certificates, client = known.certificates, known.beside.client
        found = [of("unparseable", parsed, parsed.problem) for parsed in certificates if parsed.problem]
        leaf = certificates[0]
        if leaf.x509 is None:
            return tuple(found[:1])
        moment = dt.datetime.fromtimestamp(when, tz=dt.UTC)
        dead_end = anchors.dead_end(certificates, self._store)
        if dead_end is None:
            found += self._ask(known, leaf.x509, moment)
        else:
            found += [*reasons.validity(leaf.x509, moment), dead_end]
        for parsed in certificates:
            if parsed.x509 is not None and not self._store.contains(bytes.fromhex(parsed.sha256)):
                found += reasons.strength(parsed, leaf=parsed is leaf, weakness=self._weakness(parsed.x509))
        if not known.beside.peer:  # RFC 4945 section 5.1.3.12 asks for no usage
            found += reasons.usage(leaf, client=client)
        found += validity.expiring(leaf, moment)
        if not client and not known.beside.peer:
            found += self._signs(certificates)
        found += self._revoked(known, moment)
        return tuple(found)

    def _revoked(self, known: _Known, when: dt.datetime) -> list[Judgement]:
        """What staples and lists say; what a staple proves to be good is not in doubt for an outdated list."""
        found: list[Judgement] = []
        good: set[str] = set()
        if known.beside.responses:
            from probe.trust import ocsp

            found, good = ocsp.judge(known.beside.responses, known.certificates, self._store.roots, when)
        if (revocations := self._store.revocations) is not None:
            listed = revocations.judge(known.certificates, self._store.roots, when)
            found += (one for one in listed if one.reason == "revoked" or one.sha256 not in good)
        return found

    def _weakness(self, certificate: x509.Certificate) -> str | None:
        """Why its key protects nothing, whatever its size."""
        if self._parsers is None:
            return None
        return self._store.known(self._parsers).weak_key(certificate.public_bytes(Encoding.DER))

    def _signs(self, certificates: list[Parsed]) -> Iterator[Judgement]:
        """What the core sees in names: wildcards that cover too much, issuers that are known to read along."""
        if self._parsers is None:
            return
        leaf = certificates[0]
        sans = leaf.extensions.get(x509.SubjectAlternativeName)
        names = [] if sans is None else sans.get_values_for_type(x509.DNSName)
        if (breadth := self._parsers.wildcard_breadth(names)) is not None:
            yield of("certificate.wildcard", leaf, breadth)
        for parsed in certificates:
            issuer = parsed.record.issuer
            if isinstance(issuer, str) and (product := self._store.known(self._parsers).middlebox(issuer)):
                yield of("certificate.interception", parsed, product)
                return

    def _ask(self, known: _Known, leaf: x509.Certificate, when: dt.datetime) -> list[Judgement]:
        """The two libraries' word: nothing against the chain if `cryptography` accepts it."""
        others = [parsed.x509 for parsed in known.certificates[1:] if parsed.x509 is not None]
        client = known.beside.client or known.beside.peer
        root = self._client_root(leaf, others, when, known.beside) if client else self._root(leaf, others, when)
        if isinstance(root, x509.Certificate):
            store = ", ".join(self._store.stores_of(root)) or None
            found = self._public(known, when) if self._store.is_public(root) and not client else ()
            return [Judgement("ok", known.certificates[0].sha256, store=store), *found]
        return self._why(leaf, others, when) or [reasons.about("ok", leaf, root)]

    def _root(
        self, leaf: x509.Certificate, others: list[x509.Certificate], when: dt.datetime
    ) -> x509.Certificate | str:
        """Where the chain leads if `cryptography` accepts it, else why it refuses it.

        Names are judged apart, so it is asked for one of the leaf's own.
        """
        store = self._store.verifier_store
        if store is None:
            return "no root is trusted"
        verifier = _verifier(verification.PolicyBuilder().store(store).time(when), leaf)
        if verifier is None:
            return "the certificate names no host"
        try:
            return verifier.verify(leaf, others)[-1]
        except verification.VerificationError as error:
            return str(error)

    def _public(self, known: _Known, when: dt.datetime) -> Iterator[Judgement]:
        """What is asked of public authorities besides."""
        leaf = known.certificates[0]
        yield from validity.too_long(leaf)
        if (logs := self._store.logs) is not None:
            fault = logs.judge(known.certificates, known.beside, self._store.roots, when)
            if fault is not None:
                yield of("certificate.transparency", leaf, fault)

    def _client_root(
        self, leaf: x509.Certificate, others: list[x509.Certificate], when: dt.datetime, beside: Beside
    ) -> x509.Certificate | str:
        """The same of the chain of a client, or of a peer of IKE, which may be issued for anything."""
        store = self._store.verifier_store
        if store is None:
            return "no root is trusted"
        try:
            builder = verification.PolicyBuilder().store(store).time(when)
            verifier = peers.verifier(builder) if beside.peer else builder.build_client_verifier()
            return verifier.verify(leaf, others).chain[-1]
        except verification.VerificationError as error:
            return str(error)

    def _why(self, leaf: x509.Certificate, others: list[x509.Certificate], when: dt.datetime) -> list[Judgement]:
        """OpenSSL's reasons, and the leaf's own validity: a path that fails may end before that is checked."""
        if self._openssl is None:
            self._openssl = openssl.Verifier(self._store)
        found = list(reasons.validity(leaf, when))
        for failure in self._openssl.failures(leaf, others, when):
            certificate = failure.certificate or leaf
            dated = list(reasons.validity(certificate, when)) if failure.reason in ("expired", "not_yet_valid") else []
            found += dated or [reasons.about(failure.reason, certificate, failure.text)]
        return found


def _judge_name(leaf: Parsed, name: str | None) -> Judgements:
    if leaf.x509 is None or (name is not None and names.is_listed(leaf.record.sans, name)):
        return ()
    return tuple(reasons.name_of(leaf.x509, name))


def _together(leaf: Parsed, *groups: Judgements) -> Judgements:
    """Each (reason, certificate) once; `ok` only if nothing speaks against the chain."""
    every = {(judgement.reason, judgement.sha256): judgement for group in groups for judgement in group}
    said = sorted((one for one in every.values() if one.reason != "ok"), key=lambda one: "." in one.reason)
    accepted = every.get(("ok", leaf.sha256)) or Judgement("ok", leaf.sha256)
    if accepted.store is not None:
        said = [msgspec.structs.replace(one, store=accepted.store) for one in said]
    if any("." not in judgement.reason for judgement in said):
        return tuple(said)
    return (accepted, *said)


def _verifier(builder: verification.PolicyBuilder, leaf: x509.Certificate) -> verification.ServerVerifier | None:
    """A verifier for the first of the leaf's names that `cryptography` takes as a subject, None if there is none."""
    sans = extension(leaf, x509.SubjectAlternativeName)
    if sans is None:
        return None
    for name in sans.get_values_for_type(x509.DNSName)[:_NAMES_TRIED]:
        try:
            return builder.build_server_verifier(x509.DNSName(name.replace("*", "any", 1)))
        except ValueError:
            continue
    for address in sans.get_values_for_type(x509.IPAddress)[:_NAMES_TRIED]:
        if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return builder.build_server_verifier(x509.IPAddress(address))
    return None


def _places(ends: list[int], when: int) -> tuple[int, int]:
    """Where `when` stands among them, and behind it if it is one of them."""
    return bisect_left(ends, when), bisect_right(ends, when)


def _ends_of_staples(beside: Beside) -> list[int]:
    """The seconds at which a staple begins or ceases to count."""
    if not beside.responses:
        return []
    from probe.trust import ocsp

    return list(ocsp.ends(beside.responses))


def _ends(certificates: list[Parsed]) -> Iterator[int]:
    """The seconds in which the validity of a certificate begins or ends: between two of them no verdict changes."""
    for parsed in certificates:
        if parsed.x509 is not None and parsed.problem is None:
            yield int(parsed.x509.not_valid_before_utc.timestamp())
            yield int(parsed.x509.not_valid_after_utc.timestamp())
    if (soon := validity.soon(certificates[0])) is not None:
        yield soon
