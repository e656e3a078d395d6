"""The core reads a certificate as `cryptography` does, or leaves it to it: the record is the same, byte for byte."""

import hashlib
import random
from pathlib import Path

import der
import pytest
from cryptography import x509

from probe import _parsers
from probe.trust import store
from probe.trust.certificates import certificate_lines, parse

PCAPS = Path(__file__).parents[2] / "pcaps"


def _is_read(certificate: bytes) -> bool:
    """Whether the core reads it; fails if it reads it otherwise than the library."""
    record = _parsers.certificate_record(certificate)
    if record is not None:
        assert record == certificate_lines([parse(hashlib.sha256(certificate).hexdigest(), certificate).record])
    return record is not None


def test_what_one_meets_is_read() -> None:
    assert [certificate.hex() for certificate in der.sane() if not _is_read(certificate)] == []


def test_the_odd_is_read_alike_or_left_alone() -> None:
    assert sum(_is_read(certificate) for certificate in der.odd()) > 50


def test_every_certificate_of_the_test_captures() -> None:
    core, seen = _parsers.Core(flows=False), 0
    for path in sorted(PCAPS.glob("*.pcap*")):
        core.feed(_parsers.Capture(str(path)), 1_000_000)
        core.finish()
        for certificate in core.take().certificates:
            assert _is_read(certificate), path
            seen += 1
    assert seen > 10


@pytest.mark.skipif(not Path(store.HOST_BUNDLES[0]).is_file(), reason="this host has no roots")
def test_every_root_of_this_host() -> None:
    roots = store.read_pem(store.HOST_BUNDLES[0])
    unread = [root for root in roots if not _is_read(root)]
    assert len(unread) <= len(roots) // 50
    assert len(_parsers.Roots(roots)) + len(unread) == len(roots)


@pytest.mark.parametrize("cut", [der.rich(), der.certificate()], ids=["rich", "plain"])
def test_truncated_at_each_byte(cut: bytes) -> None:
    assert not any(_is_read(cut[:size]) for size in range(len(cut)))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0x20, 0xFF, None])
def test_one_changed_byte(flip: int | None) -> None:
    dice = random.Random(f"one changed byte {flip}")
    whole, read = der.rich(), 0
    for at in range(len(whole)):
        read += _is_read(whole[:at] + bytes((whole[at] ^ (flip or dice.randrange(1, 256)),)) + whole[at + 1 :])
    assert 0 < read < len(whole) * 2 // 3


def test_no_extension_that_the_library_knows_is_taken_as_unknown() -> None:
    """Rubbish in each of them: the library refuses what it looks into, and so must the core."""
    for kind in vars(x509.oid.ExtensionOID).values():
        if isinstance(kind, x509.ObjectIdentifier):
            for value in (b"", b"\x30\x01", b"\xff\xff", b"\x30\x03\x01\x01\x01"):
                _is_read(der.certificate(extensions=(der.extension(kind.dotted_string, value),)))
