"""Timestamps of logs that the tests run themselves, from all three places; `cryptography` reads them back."""

import base64
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import der
import pki
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

from probe import _parsers
from probe.trust import beside
from probe.trust.chain import Chains
from probe.trust.store import Store, TrustError

NAME = "logged.example"
LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
OF_STAPLE = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.5")
MADE = pki.NOW - pki.DAY


def octets(content: bytes) -> bytes:
    return der.tlv(der.OCTETS, content)


class Log:
    """A log with its key, that promises whatever is asked."""

    def __init__(self, operator: str, *, retired: dt.datetime | None = None) -> None:
        self.operator, self.retired = operator, retired
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def entry(self) -> dict[str, Any]:
        state = {"usable": {"timestamp": "2022-01-01T00:00:00Z"}}
        if self.retired is not None:
            state = {"retired": {"timestamp": f"{self.retired:%Y-%m-%dT%H:%M:%SZ}"}}
        return {"description": "test", "key": base64.b64encode(self.spki).decode(), "state": state}

    def promise(self, entry: bytes, when: dt.datetime = MADE, *, spoil: bool = False) -> bytes:
        milliseconds = int(when.timestamp() * 1000).to_bytes(8, "big")
        signature = self.key.sign(b"\0\0" + milliseconds + entry + b"\0\0", ec.ECDSA(hashes.SHA256()))
        if spoil:
            signature = self.key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
        one = b"\0" + hashlib.sha256(self.spki).digest() + milliseconds + b"\0\0\4\3" + _vector(signature)
        return _vector(one)


def _vector(content: bytes, length: int = 2) -> bytes:
    return len(content).to_bytes(length, "big") + content


def _whole(leaf: pki.Issued) -> bytes:
    return b"\0\0" + _vector(leaf.der, 3)


def _with(leaf: pki.Issued, by: pki.Issued, oid: x509.ObjectIdentifier, value: bytes) -> pki.Issued:
    """The same certificate with an extension more, signed again."""
    old = leaf.certificate
    builder = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), old.serial_number, old.not_valid_before_utc, old.not_valid_after_utc
    )
    for one in old.extensions:
        builder = builder.add_extension(one.value, critical=one.critical)
    builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
    return pki.Issued(builder.sign(by.key, hashes.SHA256()), leaf.key)


def _embedded(by: pki.Issued, promises: list[Any], **plan: Any) -> pki.Issued:
    """A certificate with timestamps over its precertificate, as authorities make them."""
    before = pki.issue(NAME, by, **plan)
    # The precertificate's TBS is that of the final certificate without the list: same fields, same order.
    spki = by.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    entry = b"\0\1" + hashlib.sha256(spki).digest() + _vector(before.certificate.tbs_certificate_bytes, 3)
    return _with(before, by, LIST, octets(_vector(b"".join(promise(entry) for promise in promises))))


class Judge:
    def __init__(self, authority: Any, folder: Path, *logs: Log) -> None:
        operators = [{"name": log.operator, "logs": [log.entry()]} for log in logs]
        (folder / "logs.json").write_text(json.dumps({"version": "1", "operators": operators}))
        self.store = Store((f"mozilla={authority.pem}",), host=False, ct_logs=str(folder / "logs.json"))

    def __call__(self, chain: list[pki.Issued], *parts: tuple[int, bytes], when: dt.datetime = pki.NOW) -> str | None:
        held = {issued.sha256: issued.der for issued in chain}
        if parts:
            held["beside"] = beside.MAGIC + b"".join(bytes((kind,)) + _vector(one, 3) for kind, one in parts)
        judged = Chains(self.store, held.get, _parsers).judge(tuple(held), NAME, int(when.timestamp()) * 10**9)
        assert judged[0].reason == "ok"
        found = [one.detail for one in judged if one.reason == "certificate.transparency"]
        return found[0] if found else None


@pytest.fixture
def logs() -> tuple[Log, Log, Log]:
    return Log("A"), Log("B"), Log("A")


def test_embedded_ones(authority: Any, logs: tuple[Log, Log, Log], tmp_path: Path) -> None:
    judge = Judge(authority, tmp_path, *logs)
    leaf = _embedded(authority.intermediate, [logs[0].promise, logs[1].promise])
    scts = leaf.certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    assert [sct.log_id for sct in scts] == [hashlib.sha256(log.spki).digest() for log in logs[:2]]
    assert judge([leaf, authority.intermediate]) is None
    # The issuer's key is part of what is signed.
    twin = pki.issue("Test Intermediate", authority.root, ca=True)
    moved = _embedded(authority.intermediate, [logs[0].promise, logs[1].promise], begin=pki.NOW - 9 * pki.DAY)
    again = pki.Issued(_with(moved, twin, x509.ObjectIdentifier("1.2.3.4"), b"\5\0").certificate, moved.key)
    detail = judge([again, twin])
    assert detail == "promised by 0 of 2 logs; a timestamp whose signature is wrong (certificate)"


def test_how_many_are_wanted(authority: Any, logs: tuple[Log, Log, Log], tmp_path: Path) -> None:
    judge = Judge(authority, tmp_path, *logs)
    one, two, three = (log.promise for log in logs)
    long = {"begin": pki.NOW - pki.DAY * 2, "end": pki.NOW + 300 * pki.DAY}
    for promises, plan, detail in (
        ([], {}, "promised by 0 of 2 logs"),
        ([one], {}, "promised by 1 of 2 logs"),
        ([one, one], {}, "promised by 1 of 2 logs"),
        ([one, three], {}, "promised by logs of one operator only"),
        ([one, two], {}, None),
        ([one, two], long, "promised by 2 of 3 logs"),
        ([one, two, three], long, None),
    ):
        leaf = _embedded(authority.intermediate, promises, **plan) if promises else pki.issue(NAME, authority.root)
        assert judge([leaf, authority.intermediate]) == detail


def test_what_is_wrong_with_one(authority: Any, tmp_path: Path) -> None:
    good, other, stranger, gone = Log("A"), Log("B"), Log("C"), Log("D", retired=MADE)
    judge = Judge(authority, tmp_path, good, other, gone)
    for promise, fault in (
        (stranger.promise, "a timestamp of a log that is not on the list"),
        (lambda entry: other.promise(entry, pki.NOW + pki.DAY), "a timestamp of the future"),
        (lambda entry: other.promise(entry, spoil=True), "a timestamp whose signature is wrong"),
        (gone.promise, "a timestamp of a log that was retired before"),
    ):
        leaf = _embedded(authority.intermediate, [good.promise, promise])
        assert judge([leaf, authority.intermediate]) == f"promised by 1 of 2 logs; {fault} (certificate)"
    before = _embedded(authority.intermediate, [good.promise, lambda entry: gone.promise(entry, MADE - pki.DAY)])
    assert judge([before, authority.intermediate]) is None


def test_in_the_extension_and_in_the_staple(authority: Any, logs: tuple[Log, Log, Log], tmp_path: Path) -> None:
    judge = Judge(authority, tmp_path, *logs)
    leaf = pki.issue(NAME, authority.root)
    first, second = (log.promise(_whole(leaf)) for log in logs[:2])
    assert judge([leaf], (3, _vector(first + second))) is None
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.certificate, authority.root.certificate, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, pki.NOW, None, None, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, authority.root.certificate)
    plain = builder.sign(authority.root.key, hashes.SHA256()).public_bytes(Encoding.DER)
    staple = _with_single_extension(plain, octets(_vector(second)), authority.root)
    scts = ocsp.load_der_ocsp_response(staple).single_extensions.get_extension_for_class(
        x509.SignedCertificateTimestamps
    )
    assert len(scts.value) == 1
    assert judge([leaf], (3, _vector(first)), (2, staple)) is None
    assert judge([leaf], (2, staple)) == "promised by 1 of 2 logs"


def _with_single_extension(response: bytes, value: bytes, by: pki.Issued) -> bytes:
    """`cryptography` makes no extensions of single responses: the statement is put together from its parts."""
    basic = ocsp.load_der_ocsp_response(response)
    tbs = basic.tbs_response_bytes
    extension = der.tlv(der.SEQUENCE, der.oid(OF_STAPLE.dotted_string), der.tlv(der.OCTETS, value))
    extensions = der.tlv(0xA1, der.tlv(der.SEQUENCE, extension))
    fields = _children(_children(tbs)[0][1])
    *head, responses = fields
    (statement,) = _children(responses[1])
    responses_again = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, statement[1], extensions))
    data = der.tlv(der.SEQUENCE, *(der.tlv(tag, content) for tag, content in head), responses_again)
    signature = by.key.sign(data, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    whole = der.tlv(der.SEQUENCE, data, algorithm, der.tlv(der.BITS, b"\0", signature))
    kind = der.oid("1.3.6.1.5.5.7.48.1.1")
    return der.tlv(der.SEQUENCE, b"\x0a\1\0", der.tlv(0xA0, der.tlv(der.SEQUENCE, kind, der.tlv(der.OCTETS, whole))))


def _children(content: bytes) -> list[tuple[int, bytes]]:
    out = []
    while content:
        length, start = content[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(content[2:start], "big")
        out.append((content[0], content[start : start + length]))
        content = content[start + length :]
    return out


def test_private_authorities_have_no_logs(authority: Any, logs: tuple[Log, Log, Log], tmp_path: Path) -> None:
    judge = Judge(authority, tmp_path, *logs)
    judge.store = Store((authority.pem,), host=False, ct_logs=str(tmp_path / "logs.json"))
    assert judge([pki.issue(NAME, authority.root)]) is None


def test_hostile_lists_of_timestamps(authority: Any, logs: tuple[Log, Log, Log], tmp_path: Path) -> None:
    judge = Judge(authority, tmp_path, *logs)
    leaf = pki.issue(NAME, authority.root)
    good = _vector(logs[0].promise(_whole(leaf)))
    for cut in range(len(good)):
        assert (judge([leaf], (3, good[:cut])) or "").startswith("promised by ")
    for at in range(0, len(good), 3):
        changed = bytearray(good)
        changed[at] ^= 0x41
        assert (judge([leaf], (3, bytes(changed))) or "").startswith("promised by ")


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (None, "no such file"),
        ("[]", "version 3"),
        ("{", "version 3"),
        ('{"operators":[{"name":"x","logs":[{"key":"!"}]}]}', "version 3"),
    ],
)
def test_unusable_lists_are_told(tmp_path: Path, content: str | None, remedy: str) -> None:
    path = tmp_path / "logs.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrustError, match=remedy) as caught:
        Store(host=False, ct_logs=str(path))
    assert str(caught.value).startswith(str(path))
