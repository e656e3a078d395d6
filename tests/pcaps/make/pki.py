"""The test PKI: a root, an intermediate, and leaves each with one property.

The root certificates are committed so that captures stay verifiable; the private keys stay in the build
directory, which is not committed. Profile: RFC 5280; SHA-1 signatures come from the openssl program because
`cryptography` refuses to make them.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lab import run

if TYPE_CHECKING:
    from pathlib import Path

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = dt.timedelta(days=1)
ROOT_YEARS, INTERMEDIATE_YEARS = 20, 10


class PkiError(Exception):
    """The keys that belong to the committed roots are not here."""


def make_key(kind: str) -> PrivateKey:
    """`ec` is P-256; `rsa1024` and so on are RSA."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and what a server sends after it."""

    certificate: x509.Certificate
    key: PrivateKey
    above: tuple[x509.Certificate, ...] = ()

    def write(self, directory: Path, name: str) -> Files:
        """Write PEM files for programs to read."""
        files = Files(*(directory / f"{name}.{part}" for part in ("pem", "key", "above.pem", "chain.pem")))
        above = b"".join(pem(certificate) for certificate in self.above)
        files.certificate.write_bytes(pem(self.certificate))
        files.above.write_bytes(above)
        files.chain.write_bytes(pem(self.certificate) + above)
        files.key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        files.key.chmod(0o600)
        return files


@dataclass(frozen=True)
class Files:
    """PEM files: the leaf, its key, what is above it, and leaf plus above."""

    certificate: Path
    key: Path
    above: Path
    chain: Path


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Test")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _builder(subject: x509.Name, issuer: x509.Name, key: PrivateKey, signer: PrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_ca(common_name: str, issuer: Identity | None = None) -> Identity:
    """A root, or an intermediate below `issuer`."""
    key = make_key("ec")
    subject = _name(common_name)
    signer, issuer_name = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
    years = INTERMEDIATE_YEARS if issuer else ROOT_YEARS
    certificate = (
        _builder(subject, issuer_name, key, signer)
        .not_valid_before(_now() - 400 * DAY)
        .not_valid_after(_now() + years * 365 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return Identity(certificate, key)


@dataclass(frozen=True)
class Leaf:
    """What a leaf is asked to be; validity in days from now."""

    names: tuple[str, ...]
    key: str = "ec"
    not_before: int = -10
    not_after: int = 80
    client: bool = False

    def general_names(self) -> list[x509.GeneralName]:
        names: list[x509.GeneralName] = []
        for name in self.names:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                names.append(x509.DNSName(name))
        return names


def make_leaf(wanted: Leaf, issuer: Identity | None, *, above: tuple[x509.Certificate, ...] = ()) -> Identity:
    """A leaf signed by `issuer`, or by itself if there is none."""
    key = make_key(wanted.key)
    subject = _name(wanted.names[0])
    signer, issuer_name = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if wanted.client else ExtendedKeyUsageOID.SERVER_AUTH
    certificate = (
        _builder(subject, issuer_name, key, signer)
        .not_valid_before(_now() + wanted.not_before * DAY)
        .not_valid_after(_now() + wanted.not_after * DAY)
        .add_extension(x509.SubjectAlternativeName(wanted.general_names()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return Identity(certificate, key, above)


class Pki:
    """The root and intermediate of the committed captures; leaves are made for each scenario."""

    def __init__(self, keys: Path, public: Path) -> None:
        self._keys = keys
        self._public = public
        self.root_file = public / "root.pem"
        self.root: Identity
        self.intermediate: Identity

    def create(self) -> None:
        """New root and intermediate: every capture with a certificate must then be made again."""
        self._keys.mkdir(parents=True, exist_ok=True)
        self._public.mkdir(parents=True, exist_ok=True)
        self.root = make_ca("Example Test Root")
        self.intermediate = make_ca("Example Test Intermediate", self.root)
        self.root.write(self._keys, "root")
        self.intermediate.write(self._keys, "intermediate")
        self.root_file.write_bytes(pem(self.root.certificate))

    def load(self) -> None:
        """The root and intermediate made before."""
        try:
            self.root = self._read("root")
            self.intermediate = self._read("intermediate")
        except FileNotFoundError as missing:
            raise PkiError(f"no {missing.filename}: make all captures in one run") from missing
        if self.root_file.read_bytes() != pem(self.root.certificate):
            raise PkiError(f"{self.root_file} is not the root whose key is in {self._keys}: make all captures")

    def _read(self, name: str) -> Identity:
        key = serialization.load_pem_private_key((self._keys / f"{name}.key").read_bytes(), None)
        if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            raise PkiError(f"{name}.key holds no EC or RSA key")
        return Identity(x509.load_pem_x509_certificate((self._keys / f"{name}.pem").read_bytes()), key)

    def leaf(self, *names: str, key: str = "ec", client: bool = False, days: tuple[int, int] = (-10, 80)) -> Identity:
        """A leaf below the intermediate, sent with it."""
        wanted = Leaf(names, key=key, not_before=days[0], not_after=days[1], client=client)
        return make_leaf(wanted, self.intermediate, above=(self.intermediate.certificate,))

    def sha1_leaf(self, directory: Path, name: str) -> Files:
        """An RSA leaf whose signature by the intermediate uses SHA-1."""
        files = self.leaf(name, key="rsa2048").write(directory, name)
        signer = self.intermediate.write(directory, "sha1-signer")
        request, extensions = directory / "sha1.csr", directory / "sha1.ext"
        extensions.write_text(
            f"subjectAltName=DNS:{name}\nbasicConstraints=critical,CA:false\nextendedKeyUsage=serverAuth\n"
            "keyUsage=critical,digitalSignature,keyEncipherment\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        subject = f"/O=Example Test/CN={name}"
        run(["openssl", "req", "-new", "-key", str(files.key), "-subj", subject, "-out", str(request)])
        sign = ["openssl", "x509", "-req", "-sha1", "-days", "80", "-in", str(request), "-extfile", str(extensions)]
        authority = ["-CA", str(signer.certificate), "-CAkey", str(signer.key), "-set_serial", "0x5ba1"]
        run([*sign, *authority, "-out", str(files.certificate)])
        files.chain.write_bytes(files.certificate.read_bytes() + files.above.read_bytes())
        return files
