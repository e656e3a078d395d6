"""`transitproof cert`: chains of endpoints and of files, judged by the engine that judges captures.

An endpoint is connected to once (evidence reprobed); an existing path is a file with certificates, leaf first, PEM or
DER (evidence host). Gives the records of the contract: certificate and finding.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.engine import load_core
from probe.files import UnreadableError, read
from probe.model import NANOSECONDS, EvidenceClass
from probe.reprobe.fetch import ReprobeError, fetch
from probe.reprobe.records import judged
from probe.trust.chain import Chains
from probe.trust.store import Store

MAX_FILE: Final = 1 << 20  # bytes of a certificate file; a bundle of 200 has less


class TargetError(ValueError):
    """A target cannot be looked at; the message is one line with the target in front."""


def look(
    target: str,
    store: Store,
    *,
    sni: str | None = None,
    alpn: Sequence[str] = (),
    starttls: str | None = None,
    timeout: float = 10.0,
    now: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The certificate and finding records of one target. Raises TargetError."""
    when = int(dt.datetime.now(tz=dt.UTC).timestamp()) * NANOSECONDS if now is None else now
    name: str | None
    evidence: EvidenceClass
    if Path(target).exists():
        endpoint, name, ders, evidence = target, sni, _file(target), "host"
    else:
        host, port = _host_and_port(target)
        try:
            seen = fetch(host, port, sni=sni, alpn=alpn, starttls=starttls, timeout=timeout)
        except ReprobeError as error:
            raise TargetError(f"{target}: {error}") from None
        endpoint, name, ders, evidence = seen.endpoint, host if sni is None else sni or None, seen.chain, "reprobed"
    yield from judged(Chains(store, parsers=load_core()), ders, endpoint, name=name, evidence=evidence, when=when)


def _file(path: str) -> list[bytes]:
    """DER of the certificates in a file, in its order."""
    try:
        content = read(path, MAX_FILE)
    except UnreadableError as error:
        raise TargetError(f"{error}; name a file with the chain alone") from None
    if b"-----BEGIN" not in content:
        return [content]  # one that cannot be parsed becomes a finding
    try:
        return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(content)]
    except ValueError:
        raise TargetError(f"{path}: no certificates in it that can be read; PEM or DER is wanted") from None


def _host_and_port(target: str) -> tuple[str, int]:
    host, separator, port = target.rpartition(":")
    if target.endswith("]") or not separator:
        host, port = target, "443"
    if not port.isdigit() or not 0 < int(port) < 65_536 or not host or (":" in host and not host.startswith("[")):
        raise TargetError(f"{target}: neither a file nor HOST:PORT; IPv6 addresses stand in brackets: [::1]:443")
    return host.removeprefix("[").removesuffix("]"), int(port)
