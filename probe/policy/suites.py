"""What a cipher suite's IANA name says about it, as words that rules can ask for.

Works on the registered names alone (IANA TLS Cipher Suites): TLS_<key exchange>_WITH_<cipher>_<hash>, in TLS 1.3
TLS_<aead>_<hash>. SSLv2's names (SSL_CK_…) follow the same pattern. An unregistered number has no properties.
"""

import functools
from typing import Final

SIGNALLING: Final = ("TLS_FALLBACK_SCSV", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV")

_CIPHERS: Final = (
    ("_NULL", "null"),
    ("RC4_", "rc4"),
    ("3DES_", "3des"),
    ("DES_192_EDE3", "3des"),
    ("RC2_", "rc2"),
    ("IDEA_", "idea"),
    ("SEED_", "seed"),
    ("DES_", "des"),
    ("DES40_", "des"),
)
_AEAD: Final = ("_GCM", "_CCM", "_POLY1305", "_OCB", "_MGM")


@functools.lru_cache(maxsize=1024)  # the registry has some 370 suites
def properties(suite: str) -> tuple[str, ...]:
    """Sorted words: null export rc4 rc2 des 3des idea seed cbc aead static_rsa static_dh dhe ecdhe anon psk."""
    if not suite.startswith(("TLS_", "SSL_CK_")) or suite in SIGNALLING:
        return ()
    exchange, separator, cipher = suite.partition("_WITH_")
    if not separator:
        return _without_exchange(suite)
    if exchange.startswith("SSL_CK_"):  # SSLv2: the cipher stands in front, the key exchange is always RSA
        cipher = exchange.removeprefix("SSL_CK_")
    found = set(_cipher(f"_{cipher}_"))
    if "EXPORT" in suite:
        found.add("export")
    return tuple(sorted(found | _exchange(exchange.removeprefix("TLS_").split("_"), suite)))


def _without_exchange(suite: str) -> tuple[str, ...]:
    if suite in ("TLS_SHA256_SHA256", "TLS_SHA384_SHA384"):  # RFC 9150: integrity only
        return ("null",)
    return ("aead",) if any(mode in suite for mode in _AEAD) else ()


def _cipher(cipher: str) -> set[str]:
    for part, word in _CIPHERS:
        if f"_{part}" in cipher or (part == "_NULL" and cipher.startswith("_NULL_")):
            return {word, "cbc"} if "_CBC_" in cipher else {word}
    if any(mode in cipher for mode in _AEAD):
        return {"aead"}
    return {"cbc"} if "_CBC_" in cipher else set()


def _exchange(words: list[str], suite: str) -> set[str]:
    found: set[str] = set()
    if "anon" in words:
        found.add("anon")
    if "PSK" in words:
        found.add("psk")
    if "DHE" in words or (words[0] == "DH" and "anon" in words):
        found.add("dhe")
    elif "ECDHE" in words or (words[0] == "ECDH" and "anon" in words):
        found.add("ecdhe")
    elif words[0] in ("DH", "ECDH"):
        found.add("static_dh")
    elif words[0] == "RSA" or suite.startswith("SSL_CK_"):
        found.add("static_rsa")
    return found
