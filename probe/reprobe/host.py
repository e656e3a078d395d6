"""Certificate files of this host, matched to the sockets that listen on it: evidence `host`.

A service on this host that speaks TLS 1.3 has its certificate in a file. The operator names the files; which of them
an endpoint shows is told by its port, if the file was named for one, and by the server name that clients asked for.
Gives a `look` for `probe.reprobe.verifier`: nothing is connected to, only /proc/net is read.
"""

import ipaddress
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.config import CertificateFile
from probe.files import UnreadableError, read
from probe.reprobe.fetch import ReprobeError, Seen, UnusableFileError
from probe.trust import names
from probe.trust.certificates import extension

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_FILE: Final = 1 << 20  # bytes; a bundle of 200 certificates has less
_LISTEN: Final = "0A"  # TCP_LISTEN, include/net/tcp_states.h
_ANY: Final = (ipaddress.ip_address("0.0.0.0"), ipaddress.ip_address("::"))  # noqa: S104 - compared with, not bound to


def listeners(proc: Path = Path("/proc/net")) -> frozenset[tuple[Address, int]]:
    """The TCP sockets that listen in this network namespace: address and port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _lines(proc / table)[1:]:
            columns = line.split()
            if columns[3] == _LISTEN:
                address, port = columns[1].split(":")
                found.add((_address(address), int(port, 16)))
    return frozenset(found)


def _address(text: str) -> Address:
    """As /proc/net has it: words of 32 bits in the host's byte order."""
    words = (int(text[first : first + 8], 16) for first in range(0, len(text), 8))
    packed = b"".join(struct.pack("=I", word) for word in words)
    address = ipaddress.ip_address(packed)
    return getattr(address, "ipv4_mapped", None) or address


def addresses(proc: Path = Path("/proc/net")) -> frozenset[Address]:
    """This host's own addresses in this network namespace."""
    found: set[Address] = set()
    last = ""
    for line in _lines(proc / "fib_trie"):
        words = line.split()
        if words[0] in {"|--", "+--"}:
            last = words[1]
        elif words[-2:] == ["host", "LOCAL"]:
            found.add(ipaddress.ip_address(last))
    found |= {ipaddress.ip_address(bytes.fromhex(line.split()[0])) for line in _lines(proc / "if_inet6")}
    return frozenset(found)


def _lines(path: Path) -> list[str]:
    """A kernel without IPv6 has no tables of it."""
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except OSError:
        return []


class HostCertificates:
    """The named files; `look` takes what `probe.reprobe.fetch.fetch` takes."""

    def __init__(self, files: Sequence[CertificateFile], proc: Path = Path("/proc/net")) -> None:
        """Raises ValueError for a credential that systemd did not hand over."""
        self._files = [(file.file.resolve(), file.port) for file in files]
        self._proc = proc

    def look(self, host: str, port: int, *, sni: str, **_: object) -> Seen:
        """The chain of the service on this port. Raises ReprobeError if nothing listens there, or no file fits."""
        address = ipaddress.ip_address(host)
        open_here = listeners(self._proc)
        served = address in addresses(self._proc) and any((place, port) in open_here for place in (address, *_ANY))
        if not served:
            raise ReprobeError(f"nothing on this host listens at {host}:{port}")
        fitting = [chain for chain in self._chains(port) if not sni or _names(chain[0], sni)]
        if not fitting:
            raise ReprobeError(f"no certificate file was named for {sni or host}")
        ders = [one.public_bytes(Encoding.DER) for one in fitting[0]]
        return Seen(f"[{host}]:{port}/tcp" if address.version == 6 else f"{host}:{port}/tcp", ders, "", "")

    def _chains(self, port: int) -> Iterator[list[x509.Certificate]]:
        """Those of the port before those of any, in the order of their files; read anew, for they get renewed."""
        for path, own in sorted(self._files, key=lambda file: file[1] is None):
            if own in {port, None}:
                try:
                    yield x509.load_pem_x509_certificates(read(path, MAX_FILE))
                except UnreadableError as error:
                    raise UnusableFileError(str(error)) from None
                except ValueError:
                    raise UnusableFileError(f"{path}: no PEM certificates") from None


def _names(leaf: x509.Certificate, name: str) -> bool:
    """Whether a server would choose this one for the name; whether it is right for it is judged elsewhere."""
    try:
        if extension(leaf, x509.SubjectAlternativeName) is None:
            return True  # a server with one certificate shows it for every name
        return names.matches(leaf, name) is not False
    except ValueError:
        return True
