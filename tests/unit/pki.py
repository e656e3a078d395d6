"""Certificates made for the tests: one good authority, and every way in which a chain can be bad."""

import datetime as dt
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
DAY = dt.timedelta(days=1)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


@dataclass
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def issue(
    name: str | x509.Name,
    by: Issued | None = None,
    *,
    sans: tuple[str | x509.GeneralName, ...] | None = None,
    ca: bool = False,
    key: Any = None,
    begin: dt.datetime = NOW - 30 * DAY,
    end: dt.datetime = NOW + 60 * DAY,
    usages: tuple[x509.ObjectIdentifier, ...] = SERVER,
) -> Issued:
    """A certificate as the web PKI wants it, except for what the arguments spoil."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = name if isinstance(name, x509.Name) else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    authority = (by.key if by else key).public_key()
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    if ca:
        builder = builder.add_extension(_key_usage(), critical=True)
    else:
        wanted = sans if sans is not None else (str(name),)
        names = [x509.DNSName(san) if isinstance(san, str) else san for san in wanted]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


def sha1_leaf(name: str, by: Issued, folder: Path, now: dt.datetime = NOW) -> Issued:
    """A leaf signed with SHA-1, which `cryptography` refuses to make; so openssl does."""
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "leaf.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    (folder / "ca.key").write_bytes(by.key.private_bytes(serialization.Encoding.PEM, form, plain))
    (folder / "ca.pem").write_bytes(by.pem)
    (folder / "ext").write_text(
        f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl(folder, "req", "-new", "-key", "leaf.key", "-subj", f"/CN={name}", "-out", "leaf.csr")
    begin, end = ((now + 10 * sign * DAY).strftime("%Y%m%d000000Z") for sign in (-1, 1))
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nnew_certs_dir=.\nserial=serial\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    _openssl(
        folder, "ca", "-batch", "-notext", "-config", "ca.cnf", "-md", "sha1", "-cert", "ca.pem",
        "-keyfile", "ca.key", "-in", "leaf.csr",
        "-out", "leaf.pem", "-startdate", begin, "-enddate", end, "-extfile", "ext",
    )  # fmt: skip
    return Issued(x509.load_pem_x509_certificate((folder / "leaf.pem").read_bytes()), key)


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """An RSA key of any size that the library still makes."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)
