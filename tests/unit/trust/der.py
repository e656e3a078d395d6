"""Certificates put together byte by byte, so that they can be odd in every way that a library would refuse to make."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

INTEGER, BITS, OCTETS, OID, UTF8, PRINTABLE, T61, IA5, UTC, GENERALIZED = 2, 3, 4, 6, 12, 19, 20, 22, 23, 24
SEQUENCE, SET = 0x30, 0x31
CN, COUNTRY, ORGANIZATION, EMAIL = "2.5.4.3", "2.5.4.6", "2.5.4.10", "1.2.840.113549.1.9.1"
NULL = b"\x05\x00"


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = b""
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.insert(0, 0x80 | arc & 0x7F)
        out += bytes(digits)
    return tlv(OID, out)


def number(value: int) -> bytes:
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def attribute(kind: str, value: bytes, tag: int = UTF8) -> bytes:
    return tlv(SEQUENCE, oid(kind), tlv(tag, value))


def name(*attributes: bytes) -> bytes:
    return tlv(SEQUENCE, *(tlv(SET, one) for one in attributes))


def common(text: str) -> bytes:
    return name(attribute(CN, text.encode()))


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    return tlv(SEQUENCE, oid(kind), critical, tlv(OCTETS, value))


def sans(*names: tuple[int, bytes]) -> bytes:
    return extension("2.5.29.17", tlv(SEQUENCE, *(tlv(tag, value) for tag, value in names)))


def dns(*names: str) -> bytes:
    return sans(*((0x82, one.encode()) for one in names))


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


KEY = spki(ec.derive_private_key(7, ec.SECP256R1()))
ECDSA_SHA256 = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))
VALIDITY = tlv(SEQUENCE, tlv(UTC, b"240101000000Z"), tlv(UTC, b"250101000000Z"))


def certificate(
    subject: bytes = common("subject"),
    issuer: bytes = common("issuer"),
    *,
    version: bytes = b"\xa0\x03\x02\x01\x02",
    serial: bytes = number(0x1234),
    algorithm: bytes = ECDSA_SHA256,
    outer: bytes | None = None,
    validity: bytes = VALIDITY,
    key: bytes = KEY,
    unique: bytes = b"",
    extensions: tuple[bytes, ...] = (),
    signature: bytes = b"\x00\x30\x00",
) -> bytes:
    extra = tlv(0xA3, tlv(SEQUENCE, *extensions)) if extensions else b""
    body = tlv(SEQUENCE, version, serial, algorithm, issuer, validity, subject, key, unique, extra)
    return tlv(SEQUENCE, body, algorithm if outer is None else outer, tlv(BITS, signature))


def times(begin: bytes, end: bytes, tag: int = UTC) -> bytes:
    return tlv(SEQUENCE, tlv(tag, begin), tlv(tag, end))


def rich() -> bytes:
    """A leaf with everything that leaves have, so that a changed byte can hit all of it."""
    timestamp = b"\x00" + bytes(range(32)) + b"\x00\x00\x01\x90\x00\x00\x00\x00" + b"\x00\x00" + b"\x04\x03\x00\x03abc"
    entry = len(timestamp).to_bytes(2, "big") + timestamp
    notice = tlv(SEQUENCE, oid("1.3.6.1.5.5.7.2.2"), tlv(SEQUENCE, tlv(UTF8, b"read this")))
    place = tlv(SEQUENCE, oid("1.3.6.1.5.5.7.2.1"), tlv(IA5, b"http://p/"))
    return certificate(
        name(
            attribute(COUNTRY, b"DE", PRINTABLE), attribute(ORGANIZATION, "Größe, \\ +".encode()), attribute(CN, b"a")
        ),
        extensions=(
            extension("2.5.29.19", tlv(SEQUENCE, b"\x01\x01\xff", number(3)), b"\x01\x01\xff"),
            extension("2.5.29.15", b"\x03\x02\x05\xa0", b"\x01\x01\xff"),
            extension("2.5.29.37", tlv(SEQUENCE, oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
            sans(
                *(
                    (0x82, b"a.example"),
                    (0x82, b"*.b.example"),
                    (0x87, b"\x0a\x00\x00\x01"),
                    (0x87, bytes(15) + b"\x01"),
                ),
                *((0x81, b"m@a.example"), (0x86, b"spiffe://a"), (0x88, oid("1.2.3")[2:]), (0xA4, common("x"))),
            ),
            extension("2.5.29.14", tlv(OCTETS, b"12345678")),
            extension("2.5.29.35", tlv(SEQUENCE, tlv(0x80, b"abc"), tlv(0xA1, tlv(0x82, b"i")), tlv(0x82, b"\x05"))),
            extension("2.5.29.31", tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://c/")))))),
            extension(
                "1.3.6.1.5.5.7.1.1", tlv(SEQUENCE, tlv(SEQUENCE, oid("1.3.6.1.5.5.7.48.1"), tlv(0x86, b"http://o/")))
            ),
            extension("2.5.29.32", tlv(SEQUENCE, tlv(SEQUENCE, oid("2.23.140.1.2.1"), tlv(SEQUENCE, place, notice)))),
            extension("1.3.6.1.4.1.11129.2.4.2", tlv(OCTETS, (2 * len(entry)).to_bytes(2, "big") + entry + entry)),
            extension("1.3.6.1.5.5.7.1.24", b"\x30\x03\x02\x01\x05"),
            extension("2.5.29.16", tlv(SEQUENCE, tlv(0x80, b"20240101000000Z"), tlv(0x81, b"20250101000000Z"))),
            extension("2.5.29.36", tlv(SEQUENCE, tlv(0x80, b"\x00"))),
            extension("1.3.6.1.4.1.311.21.7", tlv(SEQUENCE, oid("1.3.6.1.4.1.311.21.8"), number(100), number(7))),
        ),
    )


def sane() -> Iterator[bytes]:
    """Certificates such as one meets: the core is expected to read every one."""
    yield certificate()
    yield rich()
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        for secret in (1, 2, 3, 12345, 2**200 + 7):
            yield certificate(key=spki(ec.derive_private_key(secret, curve)))
    for bits in (1024, 1032, 2048, 3072):
        yield certificate(key=spki(rsa.generate_private_key(public_exponent=65537, key_size=bits)))
    yield certificate(key=spki(ed25519.Ed25519PrivateKey.generate()), algorithm=tlv(SEQUENCE, oid("1.3.101.112")))
    yield certificate(key=spki(ed448.Ed448PrivateKey.generate()), algorithm=tlv(SEQUENCE, oid("1.3.101.113")))
    for last in (4, 5, 11, 12, 13, 14):
        yield certificate(algorithm=tlv(SEQUENCE, oid(f"1.2.840.113549.1.1.{last}"), NULL))
    for kind in ("4.1", "4.3.1", "4.3.2", "4.3.3", "4.3.4"):
        yield certificate(algorithm=tlv(SEQUENCE, oid(f"1.2.840.10045.{kind}")))
    for last in (1, 2, 3):
        yield certificate(algorithm=pss(last))
    yield from _names()
    for value in (0, 1, 127, 128, 255, 2**64, 2**159, 2**256):
        yield certificate(serial=number(value))
    yield certificate(validity=times(b"500101000000Z", b"491231235959Z"))
    yield certificate(validity=times(b"20500101000000Z", b"99991231235959Z", GENERALIZED))
    yield certificate(validity=times(b"10000101000000Z", b"19691231235959Z", GENERALIZED))
    yield certificate(validity=times(b"240229000000Z", b"240301000000Z"))
    for count in (1, 3, 4, 1000):
        yield certificate(extensions=(dns(*(f"h{n}.example" for n in range(count))),))
    yield certificate(extensions=(dns("x" * 5000), extension("1.2.3.4", b"whatever")))
    yield from of_services()
    yield certificate(version=b"")
    for address in ("00" * 16, "20010db8" + "00" * 11 + "01", "fe80" + "00" * 6 + "0001" * 4, "0001000000020000" * 2):
        yield certificate(extensions=(sans((0x87, bytes.fromhex(address))),))


def of_services() -> Iterator[bytes]:
    """Certificates as AWS Certificate Manager and AWS Private CA issue them, and some that only look like it."""
    for organization in (b"Amazon", b"Amazonas", b"A, O=Amazon"):
        yield certificate(issuer=name(attribute(COUNTRY, b"US", PRINTABLE), attribute(ORGANIZATION, organization)))
    authority = "01234567-89ab-cdef-0123-456789abcdef"
    bucket = "http://bucket.s3.eu-west-1.amazonaws.com"
    for address in (
        *("http://ocsp.acm-pca.us-east-1.amazonaws.com", "HTTPS://OCSP.acm-pca.cn-north-1.amazonaws.com.cn/x"),
        *("http://acm-pca-ocsp.us-east-1.api.aws/", "http://ocsp.acm-pca.example", "http://ocsp.example/"),
        *(f"{bucket}/crl/{authority}.crl", f"{bucket}/crl/{authority}/part.crl", f"{bucket}/crl/other.crl"),
        *(f"http://crl.example/crl/{authority}.crl", f"ldap://bucket.s3.amazonaws.com/crl/{authority}.crl"),
    ):
        uri = tlv(0x86, address.encode())
        access = tlv(SEQUENCE, tlv(SEQUENCE, oid("1.3.6.1.5.5.7.48.1"), uri))
        yield certificate(extensions=(extension("1.3.6.1.5.5.7.1.1", access),))
        yield certificate(extensions=(extension("1.3.6.1.5.5.7.1.11", access),))
        yield certificate(extensions=(extension("2.5.29.31", tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, uri))))),))


def _names() -> Iterator[bytes]:
    for text in (
        b"plain",
        b" lead",
        b"trail ",
        b" ",
        b"  ",
        b"#hash",
        b'quote"',
        b"a+b,c;d<e>f\\g",
        b"nul\0",
        "Zoë 網".encode(),
    ):
        yield certificate(name(attribute(CN, text)), name(attribute(EMAIL, text, UTF8)))
    yield certificate(name(), name())
    yield certificate(name(attribute(CN, b"")), name(attribute(CN, b"x" * 5000)))
    yield certificate(name(attribute(CN, "é".encode() * 5000)))
    yield certificate(name(attribute(CN, "Größe".encode("utf-16-be"), 30), attribute(CN, b"t61", T61)))
    yield certificate(tlv(SEQUENCE, tlv(SET, attribute(CN, b"a"), attribute(ORGANIZATION, b"b"))))


def pss(last: int, salt: bytes = number(32), mask: int | None = None, null: bytes = NULL) -> bytes:
    digest = tlv(SEQUENCE, oid(f"2.16.840.1.101.3.4.2.{last}"), null)
    other = tlv(SEQUENCE, oid(f"2.16.840.1.101.3.4.2.{mask or last}"), null)
    mgf = tlv(SEQUENCE, oid("1.2.840.113549.1.1.8"), other)
    parameters = tlv(SEQUENCE, tlv(0xA0, digest), tlv(0xA1, mgf), tlv(0xA2, salt))
    return tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), parameters)


def odd() -> Iterator[bytes]:
    """Certificates that are wrong or rare: the core reads them as the library does, or not at all."""
    yield from _odd_names()
    for value in (-1, -128, -(2**64)):
        yield certificate(serial=number(value))
    for serial in (b"\x02\x00", b"\x02\x02\x00\x01", b"\x02\x02\xff\xff", b"\x02\x81\x01\x01", number(2**600)):
        yield certificate(serial=serial)
    for moment in (
        b"2401010000Z",
        b"240101000000+0000",
        b"241301000000Z",
        b"240230000000Z",
        b"240101240000Z",
        b"240101000060Z",
        b"",
    ):
        yield certificate(validity=times(moment, b"250101000000Z"))
    for moment in (
        b"20240101000000Z",
        b"20240101000000.5Z",
        b"00010101000000Z",
        b"09991231235959Z",
        b"00000101000000Z",
        b"20240101000000",
    ):
        yield certificate(validity=times(moment, b"99991231235959Z", GENERALIZED))
    for version in (b"\xa0\x03\x02\x01\x00", b"\xa0\x03\x02\x01\x01", b"\xa0\x03\x02\x01\x03", b"\xa0\x00"):
        yield certificate(version=version)
    yield certificate(version=b"", extensions=(dns("a.example"),))
    yield certificate(unique=tlv(0x81, b"\x00\x01"))
    yield certificate(outer=tlv(SEQUENCE, oid("1.2.840.10045.4.3.3")))
    yield certificate() + b"\x00"
    for signature in (b"", b"\x01\x01", b"\x08\x00", b"\x00", b"\x01\x02"):
        yield certificate(signature=signature)
    yield from _odd_keys()
    yield from _odd_algorithms()
    yield from _odd_extensions()


def _odd_names() -> Iterator[bytes]:
    for tag in range(1, 31):  # every universal type as a name's value
        for text in (b"ascii", b"\xfc", b"\x00a", b"\x00\x00\x00a", b"\xd8\x00"):
            yield certificate(name(attribute(CN, text, tag)))
    for text in (b"tab\t", b"new\nline", b"\x7f", "\x85".encode(), b"\x01"):
        yield certificate(name(attribute(CN, text)), extensions=(sans((0x82, text)),))
    for attributes in ((b"a", b"a"), (b"b", b"a"), (b"a", b"b")):
        yield certificate(tlv(SEQUENCE, tlv(SET, *(attribute(CN, text) for text in attributes))))
    yield certificate(tlv(SEQUENCE, tlv(SET, attribute(CN, b"a"), attribute(CN, b"a", PRINTABLE))))
    yield certificate(tlv(SEQUENCE, tlv(SET, attribute(ORGANIZATION, b"b"), attribute(CN, b"a"))))
    yield certificate(tlv(SEQUENCE, tlv(SET)))
    yield certificate(name(attribute("2.5.4.45", b"\x00\xff", BITS)))


def _odd_keys() -> Iterator[bytes]:
    for curve in (ec.SECP224R1(), ec.SECP256K1(), ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1()):
        yield certificate(key=spki(ec.generate_private_key(curve)))
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    beyond = (int.from_bytes(point[1:33], "big") + p) % 2**256
    for spoilt in (
        key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        point[:-1] + bytes((point[-1] ^ 1,)),
        b"\x06" + point[1:],
        point[:-1],
        b"\x00",
        b"",
        b"\x04" + bytes(64),
        b"\x04" + beyond.to_bytes(32, "big") + point[33:],
        b"\x04" + p.to_bytes(32, "big") + point[33:],
    ):
        algorithm = tlv(SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))
        yield certificate(key=tlv(SEQUENCE, algorithm, tlv(BITS, b"\x00", spoilt)))
    yield certificate(key=spki(dsa.generate_private_key(1024)))
    yield certificate(key=spki(x25519.X25519PrivateKey.generate()))
    for n, e in (
        (3, 3),
        (5, 3),
        (15, 65537),
        (2**1024, 3),
        (2**1023 + 1, 2),
        (2**1023 + 1, 1),
        (0, 0),
        (-5, 3),
        (2**16500 + 1, 3),
    ):
        for null in (NULL, b""):
            algorithm = tlv(SEQUENCE, oid("1.2.840.113549.1.1.1"), null)
            yield certificate(key=tlv(SEQUENCE, algorithm, tlv(BITS, b"\x00", tlv(SEQUENCE, number(n), number(e)))))
    restricted = tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"))
    whole = tlv(SEQUENCE, number(2**2047 + 1), number(65537))
    yield certificate(key=tlv(SEQUENCE, restricted, tlv(BITS, b"\x00", whole)))
    yield certificate(key=tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3.4")), tlv(BITS, b"\x00abc")))
    yield certificate(key=tlv(SEQUENCE, tlv(SEQUENCE, oid("1.3.101.112")), tlv(BITS, b"\x00", bytes(31))))


def _odd_algorithms() -> Iterator[bytes]:
    for kind in (
        "1.2.840.10045.4.3.2",
        "1.2.840.113549.1.1.11",
        "1.2.840.113549.1.1.4",
        "1.3.101.112",
        "1.3.14.3.2.29",
        "1.2.3.4",
    ):
        for parameters in (b"", NULL, number(1), b"\x05\x01\x00"):
            yield certificate(algorithm=tlv(SEQUENCE, oid(kind), parameters))
    for salt in (number(20), number(0), number(-1), number(70000), b""):
        yield certificate(algorithm=pss(1, salt))
    yield certificate(algorithm=pss(1, mask=2))
    yield certificate(algorithm=pss(1, null=b""))
    yield certificate(algorithm=pss(4))
    yield certificate(algorithm=tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), tlv(SEQUENCE)))
    yield certificate(algorithm=tlv(SEQUENCE, oid("1.2.840.113549.1.1.10")))
    for last in ("1.2.840.10040.4.3", "2.16.840.1.101.3.4.3.2"):
        yield certificate(algorithm=tlv(SEQUENCE, oid(last)))


def _odd_extensions() -> Iterator[bytes]:
    yield certificate(extensions=(dns("a.example"), dns("a.example")))
    yield certificate(extensions=(extension("1.2.3.4", b""), extension("1.2.3.4", b"")))
    yield certificate(extensions=tuple(extension(f"1.2.3.{n}", b"") for n in range(40)))
    for critical in (b"\x01\x01\x00", b"\x01\x01\x01", b"\x01\x00"):
        yield certificate(extensions=(extension("1.2.3.4", b"", critical),))
    values = (
        *(b"", NULL, b"\x30\x00", b"\x03\x02\x01\x02", b"\x03\x02\x00\x01", b"\x03\x03\x07\x00\x80", b"\x03\x01\x00"),
        *(b"\x30\x03\x01\x01\xff", b"\x30\x03\x01\x01\x00", b"\x30\x03\x02\x01\x01", b"\x04\x00", b"\x04\x02\x00\x00"),
        *(
            b"\x30\x02\x80\x00",
            b"\x30\x03\x82\x01\x01",
            b"\x30\x02\xa1\x00",
            b"\x30\x04\x80\x02\x00\x01",
            number(5),
            number(-5),
        ),
        *(tlv(SEQUENCE, tlv(SEQUENCE)), tlv(SEQUENCE, oid("1.2.3")), tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3")))),
        tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3"), tlv(0x86, b"http://x"))),
        tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, tlv(0x82, b"example")))),
        tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA0, tlv(0xA1, attribute(CN, b"x"))))),
        tlv(SEQUENCE, tlv(SEQUENCE, tlv(0x81, b"\x01\x02"))),
        tlv(SEQUENCE, oid("2.5.29.37.0"), number(1)),
        tlv(SEQUENCE, tlv(0x80, b"20250101000000Z"), tlv(0x81, b"20240101000000Z")),
        tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3"), tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.3"), tlv(IA5, b"x"))))),
    )
    kinds = (
        *(f"2.5.29.{arc}" for arc in (9, 14, 15, 16, 17, 18, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54)),
        *("1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.48.1.5", "1.3.36.8.3.3"),
        *("1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.11129.2.4.3", "1.3.6.1.4.1.311.21.7", "1.2.3.4"),
    )
    for kind in kinds:
        for value in values:
            yield certificate(extensions=(extension(kind, value),))
    for tag in (*range(0x80, 0x8A), *range(0xA0, 0xAA)):
        for value in (
            b"a.example",
            b"\xff",
            b"",
            b"\x0a\x00\x00\x01",
            b"\xff" * 8,
            oid("1.2.3") + tlv(0xA0, NULL),
            common("x"),
        ):
            yield certificate(extensions=(sans((tag, value)),))
    yield certificate(extensions=(sans((0x87, bytes(10) + b"\xff\xff\x0a\x00\x00\x01")),))
    yield certificate(extensions=(dns(*(f"h{n}.example" for n in range(1001))),))
    yield certificate(extensions=(dns("xn--bcher-kva.example", "bücher.example"),))
