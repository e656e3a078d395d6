"""Revocation lists: what they revoke and when, whose signature counts, and what they do not say."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import der
import made
import pki
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from probe import _parsers
from probe.trust.chain import Chains
from probe.trust.revocation import CrlError
from probe.trust.store import Store, read_pem

SOUND = made.chain("")
LEAF, MIDDLE, ROOT = SOUND.certificates
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
HOUR = pki.DAY / 24


def _crl(
    revoked: pki.Issued | None = LEAF,
    by: pki.Issued = MIDDLE,
    *,
    key: Any = None,
    on: Any = pki.NOW - pki.DAY,
    end: Any = pki.NOW + pki.DAY,
    reason: x509.ReasonFlags | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject)
    builder = builder.last_update(pki.NOW - 2 * pki.DAY).next_update(end)
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder(revoked.certificate.serial_number, on)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for value, critical in more:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(key or by.key, hashes.SHA256())


class Judge:
    """Verdicts on the sound chain with lists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "root.pem").write_bytes(ROOT.pem)

    def store(self, *files: bytes) -> Store:
        for number, content in enumerate(files):
            (self.folder / f"{number}.crl").write_bytes(content)
        crls = tuple(str(self.folder / f"{number}.crl") for number in range(len(files)))
        return Store((str(self.folder / "root.pem"),), host=False, crls=crls)

    def __call__(
        self, *crls: x509.CertificateRevocationList, when: Any = pki.NOW, sent: Any = SOUND.certificates[:2]
    ) -> Any:
        chains = Chains(self.store(*(crl.public_bytes(DER) for crl in crls)))
        for issued in sent:
            chains.add(issued.sha256, issued.der)
        judged = chains.judge(tuple(issued.sha256 for issued in sent), made.HOST, int(when.timestamp()) * 10**9)
        return [(judgement.reason, judgement.sha256, judgement.detail) for judgement in judged]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return Judge(tmp_path)


OK = [("ok", LEAF.sha256, None)]


def test_a_revoked_leaf(judge: Judge) -> None:
    detail = "revoked on 2024-05-31 00:00:00 UTC: keyCompromise"
    assert judge(_crl(reason=x509.ReasonFlags.key_compromise)) == [("revoked", LEAF.sha256, detail)]
    assert judge(_crl(None)) == OK
    assert judge(_crl(MIDDLE)) == OK  # another serial number


def test_a_revoked_intermediate(judge: Judge) -> None:
    assert judge(_crl(MIDDLE, ROOT)) == [("revoked", MIDDLE.sha256, "revoked on 2024-05-31 00:00:00 UTC")]


def test_before_it_was_revoked(judge: Judge) -> None:
    assert judge(_crl(on=pki.NOW + HOUR)) == OK
    assert judge(_crl(on=pki.NOW))[0][0] == "revoked"
    assert judge(_crl(reason=x509.ReasonFlags.remove_from_crl)) == OK


def test_a_stale_list(judge: Judge) -> None:
    stale = "the CRL was to be replaced by 2024-05-31 23:00:00 UTC"
    assert judge(_crl(None, end=pki.NOW - HOUR)) == [("revocation_unknown", LEAF.sha256, stale)]
    assert judge(_crl(end=pki.NOW - HOUR))[0][0] == "revoked"
    assert judge(_crl(None, end=pki.NOW - HOUR), _crl(None)) == OK  # its successor was given too


def test_only_the_issuer_revokes(judge: Judge) -> None:
    forged = judge(_crl(key=made.key("p256", 99)))
    assert forged == [("revocation_unknown", LEAF.sha256, "the CRL is not signed by the issuer of the certificate")]
    assert judge(_crl(by=ROOT)) == OK  # a serial number of another authority's
    assert judge(_crl(), _crl(key=made.key("p256", 99)))[0][0] == "revoked"


def test_an_issuer_that_may_not_sign_lists(judge: Judge) -> None:
    usage = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
    plan = made.replace(made.MIDDLE, signs=None, more=((usage, True),))
    middle = made.make(plan, (made.ROOT, ROOT))
    leaf = made.make(made.LEAF, (plan, middle))
    assert judge(_crl(leaf, middle), sent=(leaf, middle)) == [("ok", leaf.sha256, None)]


@pytest.mark.parametrize(
    ("value", "critical", "counts"),
    [
        (x509.DeltaCRLIndicator(1), True, False),
        (x509.CRLNumber(7), False, True),
        (made.CRITICAL_UNKNOWN, True, False),
        (made.CRITICAL_UNKNOWN, False, True),
        (x509.IssuingDistributionPoint(None, None, True, False, None, False, False), True, True),
        (x509.IssuingDistributionPoint(None, None, False, True, None, False, False), True, False),
        (x509.IssuingDistributionPoint(None, None, False, False, None, True, False), True, False),
        (x509.IssuingDistributionPoint(None, None, False, False, None, False, True), True, False),
    ],
)
def test_scope(judge: Judge, value: x509.ExtensionType, critical: bool, counts: bool) -> None:
    assert (judge(_crl(more=((value, critical),)))[0][0] == "revoked") is counts


def test_the_answer_changes_when_it_is_revoked(judge: Judge) -> None:
    chains = Chains(judge.store(_crl(on=pki.NOW + HOUR).public_bytes(PEM)))
    for issued in SOUND.certificates[:2]:
        chains.add(issued.sha256, issued.der)
    sent, second = (LEAF.sha256, MIDDLE.sha256), int((pki.NOW + HOUR).timestamp())
    assert chains.period(sent, pki.NOW_NS)[1] == second - 1
    said = [chains.judge(sent, None, at * 10**9)[0].reason for at in (second - 1, second, second + 1)]
    assert said == ["ok", "revoked", "revoked"]


def test_the_core_leaves_chains_of_that_authority(judge: Judge) -> None:
    for crls, settled in (((), True), ((_crl().public_bytes(DER),), False), ((_crl(by=LEAF).public_bytes(DER),), True)):
        roots = judge.store(*crls).for_core(_parsers)
        assert (roots.judge(SOUND.sent, made.HOST, pki.NOW_NS // 10**9) is not None) is settled
    assert read_pem(str(judge.folder / "root.pem")) == [ROOT.der]


def test_several_lists_in_a_file(judge: Judge) -> None:
    both = _crl(None, ROOT).public_bytes(PEM) + b"text between\n" + _crl().public_bytes(PEM)
    store = judge.store(both)
    assert store.revocations is not None
    assert sorted(store.revocations.issuers) == ["CN=Made Intermediate", "CN=Made Root"]


def test_openssl_says_the_same(judge: Judge) -> None:
    for crl in (_crl(), _crl(None), _crl(MIDDLE), _crl(on=pki.NOW - HOUR)):
        (judge.folder / "crl.pem").write_bytes(crl.public_bytes(PEM))
        (judge.folder / "leaf.pem").write_bytes(LEAF.pem)
        (judge.folder / "middle.pem").write_bytes(MIDDLE.pem)
        command = "openssl verify -crl_check -CAfile root.pem -untrusted middle.pem -CRLfile crl.pem -attime"
        done = subprocess.run(
            [*command.split(), str(pki.NOW_NS // 10**9), "leaf.pem"], cwd=judge.folder, capture_output=True, check=False
        )
        assert ("error 23" in (done.stdout + done.stderr).decode()) is (judge(crl)[0][0] == "revoked")
        assert (done.returncode == 0) is (judge(crl) == OK)


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", None])
def test_unusable_files(judge: Judge, content: bytes | None, tmp_path: Path) -> None:
    with pytest.raises(CrlError, match="missing.crl.*--crl" if content is None else "0.crl.*openssl crl"):
        Store(crls=(str(tmp_path / "missing.crl"),), host=False) if content is None else judge.store(content)


def test_negative_serial_numbers_are_looked_up_like_others(tmp_path: Path) -> None:
    """Old authorities gave them, and the library refuses to look for them."""
    judge = Judge(tmp_path)
    odd = der.certificate(serial=b"\x02\x01\xff", issuer=ROOT.certificate.subject.public_bytes())
    sha256 = hashlib.sha256(odd).hexdigest()
    chains = Chains(judge.store(_crl(None, ROOT).public_bytes(DER)))
    chains.add(sha256, odd)
    assert "revoked" not in {one.reason for one in chains.judge((sha256,), None, pki.NOW_NS)}


def test_an_authority_that_changes_its_key_signs_lists_with_either(tmp_path: Path) -> None:
    old = pki.issue("Rolling", ROOT, ca=True)
    new = pki.issue("Rolling", old, ca=True)  # its new key, signed with the old one
    stranger = pki.issue("Rolling", ca=True)
    leaf = pki.issue(made.HOST, old)
    judge = Judge(tmp_path)
    for signer, reason in ((new, "revoked"), (old, "revoked"), (stranger, "revocation_unknown")):
        found = judge(_crl(leaf, old, key=signer.key), sent=(leaf, old, new, stranger))
        assert reason in {one[0] for one in found}, reason
