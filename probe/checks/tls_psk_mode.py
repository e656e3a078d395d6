"""tls.psk_mode: a TLS 1.3 session that takes all its secrets from a shared key

Meaning: client and server agreed on a pre-shared key without a key exchange beside it (psk_ke). A PSK with (EC)DHE
(psk_dhe_ke), as nearly all resumptions have it, is in order.

Evidence: pre_shared_key without key_share in the ServerHello (observed).

Why it matters: there is no forward secrecy. Whoever gets the key later, be it a device's or the one that protects the
server's tickets, reads every session that was recorded.

How to fix: let the server accept psk_dhe_ke only: OpenSSL without SSL_OP_ALLOW_NO_DHE_KEX, GnuTLS with
+DHE-PSK or +ECDHE-PSK rather than +PSK in the priority string, Mbed TLS
MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL. Small devices that cannot do (EC)DHE need keys that change often.

Reference: RFC 8446 sections 2.2 and 4.2.9, RFC 9257 section 4.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "tls.psk_mode"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where a PSK stands alone."""
    if facts.get(CHECK) != "psk_ke":
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title="No forward secrecy: session keys from a pre-shared key alone (psk_ke)",
            observed={CHECK: "psk_ke"},
            key={CHECK: "psk_ke"},
            remediation="Let the server accept only pre-shared keys with (EC)DHE (psk_dhe_ke).",
        )
    ]
