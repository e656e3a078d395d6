"""The certificate record, compared with what openssl prints where that is an independent witness."""

import hashlib
import subprocess
from typing import Any

import pki

from probe.trust.certificates import certificate_lines, parse


def _openssl(der: bytes, *arguments: str) -> str:
    command = ["openssl", "x509", "-inform", "der", "-noout", *arguments]
    return subprocess.run(command, input=der, check=True, capture_output=True, timeout=60).stdout.decode().strip()


def test_record_agrees_with_openssl(authority: Any) -> None:
    issued = pki.issue(
        "www.test.example", authority.intermediate, sans=("www.test.example", "*.test.example"), key=pki.rsa_key(2048)
    )
    record = parse(issued.sha256, issued.der).record
    assert record.sha256 == hashlib.sha256(issued.der).hexdigest()
    assert f"serial={str(record.serial).upper()}" == _openssl(issued.der, "-serial").replace("=0", "=")
    assert f"subject={record.subject}" == _openssl(issued.der, "-subject", "-nameopt", "RFC2253")
    assert f"issuer={record.issuer}" == _openssl(issued.der, "-issuer", "-nameopt", "RFC2253")
    assert f"notAfter={str(record.not_after)[:10]} 00:00:00Z" == _openssl(
        issued.der, "-enddate", "-dateopt", "iso_8601"
    )
    assert f"Signature Algorithm: {record.signature}" in _openssl(issued.der, "-text")
    spki = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"],
        input=_openssl(issued.der, "-pubkey").encode(),
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout
    assert record.spki_sha256 == hashlib.sha256(spki).hexdigest()


def test_record_as_it_is_written(authority: Any) -> None:
    issued = pki.issue("a.example", authority.root)
    line = certificate_lines([parse(issued.sha256, issued.der).record]).decode()
    assert line.startswith(
        f'{{"type":"certificate","sha256":"{issued.sha256}","subject":"CN=a.example","issuer":"CN=Test Root","serial":"'
    )
    assert (
        '"not_before":"2024-05-02T00:00:00.000000Z","not_after":"2024-07-31T00:00:00.000000Z","sans":["dns:a.example"],'
        '"key":{"algorithm":"ec","bits":256,"curve":"secp256r1"},"signature":"ecdsa-with-SHA256","spki_sha256":"'
        in line
    )
    assert line.endswith('"scts":0,"ca":false}\n')


def test_unparseable_has_only_the_hash_and_the_reason() -> None:
    parsed = parse("00" * 32, b"not DER")
    assert parsed.x509 is None
    line = certificate_lines([parsed.record]).decode()
    assert line.startswith('{"type":"certificate","sha256":"' + "00" * 32 + '","unparseable":"certificate: ')


def test_broken_extension_leaves_the_rest_readable(authority: Any) -> None:
    der = pki.issue("broken.example", authority.root).der
    record = parse("11" * 32, der.replace(b"\x82\x0ebroken.example", b"\x82\x0fbroken.example")).record
    assert record.subject == "CN=broken.example"
    assert isinstance(record.unparseable, str)
    assert record.unparseable.startswith("extensions: ")
