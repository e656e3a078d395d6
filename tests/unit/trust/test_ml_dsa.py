"""Chains signed with ML-DSA (RFC 9881) are read, verified and named; the core leaves them to the libraries."""

import hashlib
from pathlib import Path

import pki
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.x509.oid import NameOID

from probe import _parsers
from probe.trust.certificates import parse
from probe.trust.chain import Chains
from probe.trust.store import Store

KINDS = {
    "ML-DSA-44": mldsa.MLDSA44PrivateKey,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey,
}
HOST = "pq.example"


def _issue(name: str, kind: str, by: pki.Issued | None = None) -> pki.Issued:
    key = KINDS[kind].generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    authority = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(pki.NOW - 30 * pki.DAY)
        .not_valid_after(pki.NOW + 60 * pki.DAY)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return pki.Issued(builder.sign(authority, None), key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_chain_is_accepted_and_a_changed_one_is_not(kind: str, tmp_path: Path) -> None:
    root = _issue("root", kind)
    leaf = _issue(HOST, kind, root)
    (tmp_path / "root.pem").write_bytes(root.pem)
    chains = Chains(Store((str(tmp_path / "root.pem"),), host=False), parsers=_parsers)

    def reasons(der: bytes) -> list[str]:
        sha256 = hashlib.sha256(der).hexdigest()
        chains.add(sha256, der)
        return [one.reason for one in chains.judge((sha256,), HOST, pki.NOW_NS) if "." not in one.reason]

    record = parse(leaf.sha256, leaf.der).record
    assert (record.key.algorithm, record.signature) == (kind, kind)
    assert _parsers.certificate_record(leaf.der) is None
    assert reasons(leaf.der) == ["ok"]
    assert reasons(leaf.der[:-9] + bytes([leaf.der[-9] ^ 1]) + leaf.der[-8:]) == ["unknown_root"]
    assert reasons(leaf.der[:-9]) == ["unparseable"]
