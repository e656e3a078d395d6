"""A private PKI: one root, three intermediates (two RSA, one ECDSA), leaves of both kinds.

Leaves carry what public ones carry (alternative names, CRL and OCSP addresses, key usage), so that a Certificate
message has the usual size.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from .names import server_name

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Defect = Literal["", "expired", "self_signed", "wrong_name"]

EPOCH: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EXPIRED_FROM: Final = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
LEAF_DAYS: Final = 397

# RSA keys are slow to make and no two leaves need different ones.
SHARED_RSA_KEYS: Final = 6


def new_key(*, elliptic: bool) -> Key:
    """P-256 or RSA-2048."""
    return ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)


def pem(certificate: x509.Certificate) -> bytes:
    """Short for the PEM encoding."""
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate that may issue, and its key."""

    certificate: x509.Certificate
    key: Key


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a server is configured with: key and chain in one PEM, and the name it is asked for."""

    server_name: str
    pem: bytes


def _common_name(text: str) -> x509.Name:
    pairs = ((NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, "Bench Corp"), (NameOID.COMMON_NAME, text))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, signer: Key) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _key_usage(*, issues: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not issues,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(text: str, key: Key, issuer: Authority | None, years: int) -> Authority:
    subject = _common_name(text)
    signer = issuer.key if issuer else key
    builder = _builder(subject, issuer.certificate.subject if issuer else subject, key, signer)
    certificate = (
        builder.not_valid_before(EPOCH - dt.timedelta(days=365 * 5))
        .not_valid_after(EPOCH + dt.timedelta(days=365 * years))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
        .add_extension(_key_usage(issues=True), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return Authority(certificate, key)


def _leaf_certificate(names: list[str], key: Key, issuer: Authority | None, start: dt.datetime) -> x509.Certificate:
    subject = _common_name(names[0])
    signer = issuer.key if issuer else key
    places = (
        (AuthorityInformationAccessOID.OCSP, "http://ocsp.bench.example"),
        (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca.bench.example/issuer.crt"),
    )
    access = [x509.AccessDescription(oid, x509.UniformResourceIdentifier(place)) for oid, place in places]
    crl = [x509.UniformResourceIdentifier("http://crl.bench.example/issuer.crl")]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _builder(subject, issuer.certificate.subject if issuer else subject, key, signer)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=LEAF_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.CRLDistributionPoints([x509.DistributionPoint(crl, None, None, None)]), critical=False)
        .add_extension(x509.AuthorityInformationAccess(access), critical=False)
        .add_extension(_key_usage(issues=False), critical=True)
        .sign(signer, hashes.SHA256())
    )


class Pki:
    """Makes leaves on demand; three of five have RSA keys, one chain of eight carries its root."""

    def __init__(self) -> None:
        self.root = _authority("Bench Root R1", new_key(elliptic=False), None, years=15)
        self._rsa_issuers = [
            _authority(f"Bench Issuing CA R{number}", new_key(elliptic=False), self.root, years=5) for number in (1, 2)
        ]
        self._ec_issuer = _authority("Bench Issuing CA E1", new_key(elliptic=True), self.root, years=5)
        self._rsa_keys = [new_key(elliptic=False) for _ in range(SHARED_RSA_KEYS)]

    def leaf(self, number: int, defect: Defect = "") -> Leaf:
        """The chain of `server_name(number)`, sound unless a defect is asked for."""
        elliptic = number % 5 >= 3
        key = new_key(elliptic=True) if elliptic else self._rsa_keys[number % SHARED_RSA_KEYS]
        issuer = self._ec_issuer if elliptic else self._rsa_issuers[number % 2]
        name = server_name(number)
        names = [name, f"www.{name}", *(f"alt{extra}.{name}" for extra in range(number % 7))]
        start = EXPIRED_FROM if defect == "expired" else EPOCH
        if defect == "self_signed":
            chain = [_leaf_certificate([name], key, None, start)]
        elif defect == "wrong_name":
            chain = [_leaf_certificate(["other.example"], key, issuer, start), issuer.certificate]
        else:
            chain = [_leaf_certificate(names, key, issuer, start), issuer.certificate]
            if number % 8 == 0:
                chain.append(self.root.certificate)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Leaf(name, secret + b"".join(map(pem, chain)))
