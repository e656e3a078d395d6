"""Stapled OCSP responses: every way in which one holds or does not, with `openssl ocsp` as the independent oracle."""

import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import pki
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from probe import _parsers
from probe.trust import beside
from probe.trust.chain import Chains
from probe.trust.store import Store

NAME = "staple.example"
HOUR = dt.timedelta(hours=1)
SIGNING = (ExtendedKeyUsageOID.OCSP_SIGNING,)


class Judge:
    """Chains with a staple, against the test authority."""

    def __init__(self, authority: Any, *crls: str) -> None:
        self.store = Store((authority.pem,), host=False, crls=crls)

    def __call__(
        self, chain: list[pki.Issued], *responses: bytes, when: dt.datetime = pki.NOW
    ) -> list[tuple[str, Any]]:
        held = {issued.sha256: issued.der for issued in chain}
        sent = [*held]
        if responses:
            held["beside"] = beside.MAGIC + b"".join(b"\2" + len(one).to_bytes(3, "big") + one for one in responses)
            sent.append("beside")
        self.chains = Chains(self.store, held.get, _parsers)
        judged = self.chains.judge(tuple(sent), NAME, int(when.timestamp()) * 10**9)
        self.period = self.chains.period(tuple(sent), int(when.timestamp()) * 10**9)
        return [(one.reason, one.detail) for one in judged]


@pytest.fixture(scope="module")
def leaf(authority: Any) -> pki.Issued:
    return pki.issue(NAME, authority.intermediate)


def _response(
    leaf: pki.Issued,
    issuer: pki.Issued,
    by: pki.Issued | None = None,
    *,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    revoked: dt.datetime | None = None,
    made: dt.datetime = pki.NOW - HOUR,
    until: dt.datetime | None = pki.NOW + HOUR,
    sends: tuple[pki.Issued, ...] = (),
    algorithm: Any = hashes.SHA1,
) -> bytes:
    by = by or issuer
    reason = x509.ReasonFlags.key_compromise if revoked else None
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.certificate, issuer.certificate, algorithm(), status, made, until, revoked, reason
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    if sends:
        builder = builder.certificates([one.certificate for one in sends])
    signs = None if isinstance(by.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(by.key, signs).public_bytes(Encoding.DER)


def _openssl_verifies(folder: Path, authority: Any, response: bytes, when: dt.datetime) -> bool:
    """Whether `openssl ocsp` takes the signature. Whether a response is out of date it asks the clock, not -attime."""
    (folder / "response").write_bytes(response)
    for name, issued in (("issuer", authority.intermediate), ("root", authority.root)):
        (folder / f"{name}.pem").write_bytes(issued.pem)
    command = ["openssl", "ocsp", "-respin", "response", "-CAfile", "root.pem", "-verify_other", "issuer.pem"]
    command += ["-attime", str(int(when.timestamp()))]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return "Response verify OK" in done.stdout + done.stderr


GOOD = [("ok", None)]


def test_a_good_response_says_nothing_against_it(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    for algorithm in (hashes.SHA1, hashes.SHA256):
        response = _response(leaf, authority.intermediate, algorithm=algorithm)
        assert judge(chain, response) == GOOD
        assert judge.chains.judge((leaf.sha256, authority.intermediate.sha256, "beside"), NAME, pki.NOW_NS)[0].store


def test_a_delegate_signs(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    delegate = pki.issue("Responder", authority.intermediate, sans=(), usages=SIGNING)
    assert judge(chain, _response(leaf, authority.intermediate, delegate, sends=(delegate,))) == GOOD
    not_signed = [("certificate.staple", "it is not signed by the authority, nor by one to whom that delegated it")]
    for bad, sends in (
        (pki.issue("No usage", authority.intermediate, sans=()), True),
        (pki.issue("Stranger", pki.issue("Other", ca=True), sans=(), usages=SIGNING), True),
        (pki.issue("Old", authority.intermediate, sans=(), usages=SIGNING, end=pki.NOW - HOUR), True),
        (delegate, False),
    ):
        response = _response(leaf, authority.intermediate, bad, sends=(bad,) if sends else ())
        assert judge(chain, response) == [*GOOD, *not_signed], bad.certificate.subject


def test_a_revocation_holds_from_its_moment_on_even_if_the_response_is_old(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    on = pki.NOW - 2 * HOUR
    response = _response(leaf, authority.intermediate, status=ocsp.OCSPCertStatus.REVOKED, revoked=on)
    text = "revoked on 2024-05-31 22:00:00 UTC: keyCompromise, says the stapled OCSP response"
    for when, reasons in (
        (pki.NOW, [("revoked", text)]),
        (on, [("revoked", text)]),
        (
            on - dt.timedelta(seconds=1),
            [("ok", None), ("certificate.staple", "it is made on 2024-05-31 23:00:00 UTC only")],
        ),
        (pki.NOW + 9 * HOUR, [("revoked", text)]),
    ):
        assert judge(chain, response, when=when) == reasons
        since, until = judge.period
        assert since <= int(when.timestamp()) <= until


def test_out_of_date_or_of_the_future(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    response = _response(leaf, authority.intermediate)
    late = [*GOOD, ("certificate.staple", "it was to be replaced by 2024-06-01 01:00:00 UTC")]
    early = [*GOOD, ("certificate.staple", "it is made on 2024-05-31 23:00:00 UTC only")]
    for when, said in (
        (pki.NOW + HOUR + dt.timedelta(minutes=5), GOOD),
        (pki.NOW + HOUR + dt.timedelta(minutes=5, seconds=1), late),
        (pki.NOW - HOUR - dt.timedelta(minutes=5), GOOD),
        (pki.NOW - HOUR - dt.timedelta(minutes=5, seconds=1), early),
    ):
        assert judge(chain, response, when=when) == said
    endless = _response(leaf, authority.intermediate, until=None)
    assert judge(chain, endless, when=pki.NOW + 24 * HOUR) == GOOD


def test_about_another_certificate(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    other = pki.issue("other.example", authority.intermediate)
    said = [*GOOD, ("certificate.staple", "it is about another certificate")]
    assert judge(chain, _response(other, authority.intermediate)) == said
    # The same serial number from another authority.
    assert judge(chain, _response(leaf, authority.root)) == said


def test_what_is_no_answer(authority: Any, leaf: pki.Issued) -> None:
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    assert judge(chain, later)[1] == ("certificate.staple", "the responder answered try_later")
    unknown = _response(leaf, authority.intermediate, status=ocsp.OCSPCertStatus.UNKNOWN)
    assert judge(chain, unknown)[1] == ("certificate.staple", "the responder does not know the certificate")
    good = _response(leaf, authority.intermediate)
    assert judge(chain, b"")[1] == ("certificate.staple", "it cannot be parsed")
    for cut in range(1, len(good), 7):
        assert judge(chain, good[:cut])[1][0] == "certificate.staple"
    for at in range(0, len(good), 5):
        changed = bytearray(good)
        changed[at] ^= 0x10
        reasons = [reason for reason, _ in judge(chain, bytes(changed))]
        assert "revoked" not in reasons
        assert reasons[0] == "ok"


def test_without_the_authority_nothing_is_said(authority: Any) -> None:
    stranger = pki.issue("Strange Root", ca=True)
    alone = pki.issue(NAME, stranger)
    judged = Judge(authority)([alone], _response(alone, stranger))
    assert [reason for reason, _ in judged] == ["missing_intermediate"]


@pytest.mark.parametrize("kind", ["rsa", "p384", "ed25519"])
def test_kinds_of_keys(authority: Any, kind: str) -> None:
    keys: dict[str, Any] = {
        "rsa": lambda: pki.rsa_key(2048),
        "p384": lambda: pki.ec.generate_private_key(pki.ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    delegate = pki.issue("Responder", authority.root, sans=(), usages=SIGNING, key=keys[kind]())
    one = pki.issue(NAME, authority.root)
    assert Judge(authority)([one], _response(one, authority.root, delegate, sends=(delegate,))) == GOOD


def test_the_intermediate_s_own_response(authority: Any, leaf: pki.Issued) -> None:
    chain = [leaf, authority.intermediate]
    on = pki.NOW - HOUR
    second = _response(authority.intermediate, authority.root, status=ocsp.OCSPCertStatus.REVOKED, revoked=on, made=on)
    judged = Judge(authority)(chain, _response(leaf, authority.intermediate), second)
    assert [reason for reason, _ in judged] == ["revoked"]


def test_openssl_agrees(authority: Any, leaf: pki.Issued, tmp_path: Path) -> None:
    delegate = pki.issue("Responder", authority.intermediate, sans=(), usages=SIGNING)
    plain = pki.issue("Plain", authority.intermediate, sans=())
    stranger = pki.issue("Stranger", pki.issue("Other", ca=True), sans=(), usages=SIGNING)
    judge, chain = Judge(authority), [leaf, authority.intermediate]
    for signer, sends in ((None, ()), (delegate, (delegate,)), (plain, (plain,)), (stranger, (stranger,))):
        response = _response(leaf, authority.intermediate, signer, sends=sends)
        ours = judge(chain, response) == GOOD
        assert ours == _openssl_verifies(tmp_path, authority, response, pki.NOW)
        assert ours == (signer in (None, delegate))
