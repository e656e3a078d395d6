"""tls.key_usage: one key that may have protected more than it should

Meaning: `observed.tls.key_usage` is one of
short_blocks (more than 8 MB with a cipher of 64-bit blocks, 3DES, DES, IDEA, RC2: blocks of ciphertext begin to repeat,
and repeated ones give away what they hold) ·
aead_records (more than 2^24.5 full-size records with AES-GCM in one direction of TLS) ·
aead_datagrams (more than 2^23 datagrams with AES-GCM or AES-CCM in one direction of QUIC or DTLS 1.3).
ChaCha20-Poly1305 has no such limit in practice.

Evidence: the bytes or datagrams of the flow, from which follows how many records there were at the least (inferred).
Whether keys were changed meanwhile (KeyUpdate in TLS 1.3 and QUIC, renegotiation before) is encrypted.

Why it matters: beyond the limit an attacker who recorded enough can tell the ciphertext from noise, with 64-bit blocks
read parts of it: cookies in hours (Sweet32).

How to fix: short_blocks: take 3DES and its like out of the server's list. Otherwise use a library that updates its keys
by itself (GnuTLS, NSS, rustls), end connections after some hundred gigabytes (nginx keepalive_time, HAProxy
`timeout tunnel`), or prefer TLS_CHACHA20_POLY1305_SHA256 for them.

Reference: RFC 8446 section 5.5, RFC 9147 section 4.5.3, RFC 9001 section 6.6, RFC 9325 section 4.4, NIST SP 800-67
revision 2 section 3.5.
"""

from typing import Final

from probe.model import Facts, Severity, Verdict

CHECK: Final = "tls.key_usage"

_ROWS: Final[dict[str, tuple[Severity, str, str]]] = {
    "short_blocks": (
        "medium",
        "More than 8 MB under one key of a cipher with 64-bit blocks: {suite}",
        "Take suites with 64-bit blocks out of the server's list.",
    ),
    "aead_records": (
        "low",
        "More records than one AES-GCM key should protect, unless it was updated: {suite}",
        "Use a library that updates keys, or end connections earlier.",
    ),
    "aead_datagrams": (
        "low",
        "More datagrams than one AES key should protect, unless it was updated: {suite}",
        "Use a library that updates keys, or end connections earlier.",
    ),
}


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where a flow was long enough."""
    measure = facts.get(CHECK)
    if measure not in _ROWS:
        return []
    severity, title, remediation = _ROWS[measure]
    suite = facts.get("tls.suite", "?")
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity=severity,
            title=title.format(suite=suite),
            observed={CHECK: measure, "tls.suite": suite},
            key={CHECK: measure},
            remediation=remediation,
            evidence="inferred",
        )
    ]
