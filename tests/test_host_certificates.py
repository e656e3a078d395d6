"""Certificate files of this host: the right one for a listener and a name, and none for what is not ours."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from probe.config import CertificateFile
from probe.reprobe.background import Background
from probe.reprobe.fetch import ReprobeError
from probe.reprobe.host import MAX_FILE, HostCertificates, addresses, listeners
from probe.reprobe.verifier import Verifier
from probe.trust.chain import Chains
from probe.trust.store import Store
from probe.values import AbsolutePath

_END = "-----END CERTIFICATE-----"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _file(folder: Path, *names: str, authority: trustme.CA | None = None) -> str:
    leaf = (authority or trustme.CA()).issue_cert(*names)
    path = folder / f"{names[0]}.pem"
    path.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    return str(path)


def _named(path: str, port: int | None = None) -> CertificateFile:
    return CertificateFile(AbsolutePath(path), port)


def test_the_kernels_tables_are_read_as_they_are(port: int) -> None:
    assert (ipaddress.ip_address("127.0.0.1"), port) in listeners()
    assert ipaddress.ip_address("127.0.0.1") in addresses()
    assert ipaddress.ip_address("192.0.2.1") not in addresses()
    with socket.socket(socket.AF_INET6) as six:
        try:
            six.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        six.listen()
        assert (ipaddress.ip_address("::1"), six.getsockname()[1]) in listeners()
        assert ipaddress.ip_address("::1") in addresses()


def test_chosen_by_name_and_by_port(tmp_path: Path, port: int) -> None:
    shop, wild = _file(tmp_path, "shop.example"), _file(tmp_path, "*.wild.example")
    mine = _file(tmp_path, "mine.example")
    files = (shop, wild, mine)
    host = HostCertificates([_named(shop), _named(wild), _named(mine, port)])

    def leaf(name: str) -> str:
        seen = host.look("127.0.0.1", port, sni=name, alpn=(), timeout=1.0)
        assert seen.endpoint == f"127.0.0.1:{port}/tcp"
        ders = {
            ssl.PEM_cert_to_DER_cert(Path(file).read_text().partition("-----END")[0] + _END): file for file in files
        }
        return ders[seen.chain[0]]

    assert leaf("shop.example") == shop
    assert leaf("A.wild.example") == wild
    assert leaf("") == mine
    with pytest.raises(ReprobeError, match=r"no certificate file was named for b\.example"):
        leaf("b.example")


def test_what_is_not_ours_is_not_told(tmp_path: Path, port: int) -> None:
    host = HostCertificates([_named(_file(tmp_path, "shop.example"))])
    for place, number in (("192.0.2.1", port), ("127.0.0.1", _closed())):
        with pytest.raises(ReprobeError, match="nothing on this host listens"):
            host.look(place, number, sni="")


def _closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("content", [b"", b"no certificates", os.urandom(64), b"-" * (MAX_FILE + 1)])
def test_a_file_that_is_none(tmp_path: Path, port: int, content: bytes) -> None:
    path = tmp_path / "x.pem"
    path.write_bytes(content)
    for name in (str(path), str(tmp_path / "absent.pem")):
        with pytest.raises(ReprobeError, match=r"\.pem: "):
            HostCertificates([_named(name)]).look("127.0.0.1", port, sni="a.example")


def test_a_file_that_is_cut_nowhere_is_said_once(tmp_path: Path, port: int) -> None:
    """A large one is refused whole: half of it could be the wrong half."""
    path = Path(_file(tmp_path, "shop.example"))
    path.write_bytes(path.read_bytes() + b"\n" * MAX_FILE)
    networks = [ipaddress.ip_network("127.0.0.0/8")]
    verifier = Verifier(networks, Chains(Store()), evidence="host", look=HostCertificates([_named(str(path))]).look)
    background = Background([verifier])
    facts = b'{"tls.version":"TLSv1.3"}'
    for name in ("shop.example", "other.example"):
        background.see([(f"127.0.0.1:{port}/tcp", name, facts, b"{}", None, 0)])
    background.step()
    assert background.counters()["host_failed"] == 2
    assert background.problems() == [f"{path}: larger than {MAX_FILE} bytes"]
    assert background.problems() == []
