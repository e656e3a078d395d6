"""Pages of the checks that have no detector: facts that only the rules of policies judge.

The form is that of a detector's docstring, so that `explain` and the documentation treat them alike.
"""

from typing import Final

_IKE_EVIDENCE: Final = """the proposal that the responder chose in IKE_SA_INIT (IKEv1: in main or aggressive mode),
which is sent in clear (observed)."""
_ESP_EVIDENCE: Final = """what the child SA agreed on under encryption: read with the keys of the IKE SA (decrypted) or
on the gateway (host). From packets alone it is not known."""
_IKE_FIX: Final = "change the proposals on both gateways; the finding names what to propose."

PAGES: Final = {
    "tls.version": """tls.version: the protocol version that a session was negotiated with

Meaning: the server chose this version from what the client offered. A finding says that a standard refuses it.

Evidence: ServerHello, its supported_versions extension if there is one (observed).

Why it matters: SSL 2.0, 3.0 and TLS 1.0, 1.1 have attacks that newer versions do not, and rest on MD5 and SHA-1.

How to fix: allow TLS 1.2 and 1.3 only on the server; find the clients that need more by the flows of the finding.

Reference: RFC 8996 (TLS 1.0 and 1.1 retired), RFC 7568 (SSL 3.0), RFC 9325 section 3.1.
""",
    "tls.suite": """tls.suite: the cipher suite of a session

Meaning: the server chose this suite. A finding says which property of it a standard objects to: no encryption, no
authentication, a broken or short cipher, no forward secrecy, CBC without encrypt-then-MAC, or that it is not listed.

Evidence: ServerHello (observed).

Why it matters: the suite decides whether recorded sessions can be read later, and by whom.

How to fix: give the server a list of ECDHE suites with AES-GCM or ChaCha20-Poly1305, and let its order count.

Reference: RFC 9325 section 4, IANA TLS Cipher Suites.
""",
    "tls.group": """tls.group: the group of the key exchange

Meaning: the curve, finite field or KEM from which the session's keys come. A finding says that it is too weak for a
standard or not on its list. Of Diffie-Hellman in TLS 1.2 the size of the prime is judged.

Evidence: key_share or ServerKeyExchange (observed).

Why it matters: whoever breaks the key exchange reads the session, also a recorded one.

How to fix: set the groups of the server, X25519MLKEM768, x25519, secp256r1, secp384r1 for instance; DHE needs a group
of 2048 bits and more.

Reference: RFC 9325 sections 4.3 and 4.5, RFC 7919, IANA TLS Supported Groups.
""",
    "tls.signature_scheme": """tls.signature_scheme: how the server signed the handshake

Meaning: the algorithm and hash with which the server proved that it has the certificate's key.

Evidence: ServerKeyExchange in TLS 1.2 (observed); CertificateVerify in TLS 1.3 (decrypted).

Why it matters: a weak signature lets somebody else take the server's place.

How to fix: restrict the signature schemes of the server to RSA-PSS or ECDSA with SHA-256 and longer.

Reference: RFC 8446 section 4.2.3, RFC 9155 (MD5 and SHA-1 retired).
""",
    "tls.compression": """tls.compression: TLS compression negotiated

Meaning: the session compresses before it encrypts.

Evidence: ServerHello (observed).

Why it matters: the length of what is compressed tells an attacker who can add to it about secrets beside (CRIME).

How to fix: switch it off on the server; current libraries are built without it.

Reference: RFC 9325 section 3.3, RFC 7457 section 2.6.
""",
    "tls.heartbeat": """tls.heartbeat: heartbeats agreed on

Meaning: client and server both sent the heartbeat extension, so that either may send heartbeats in the session.

Evidence: ClientHello and ServerHello (observed).

Why it matters: TLS over TCP has no need of it, and OpenSSL 1.0.1 to 1.0.1f gave its memory away through it
(Heartbleed). That the server is one of those is not seen.

How to fix: update the library: OpenSSL 1.1.1 and newer have no heartbeats; older ones are built with
-DOPENSSL_NO_HEARTBEATS. Java, AWS load balancers and current nginx, Apache and HAProxy do not answer them.

Reference: RFC 6520, CVE-2014-0160, BSI TR-02102-2 section 3.3.4.5.
""",
    "tls.renegotiation": """tls.renegotiation: a server without secure renegotiation

Meaning: the server did not send renegotiation_info. It may renegotiate in the unsafe way.

Evidence: ServerHello (observed). That it would renegotiate at all is not seen.

Why it matters: an attacker can put a request of his own in front of a client's.

How to fix: update the server's TLS library, or forbid renegotiation.

Reference: RFC 5746, RFC 9325 section 3.5.
""",
    "tls.extended_master_secret": """tls.extended_master_secret: keys that are not bound to the handshake

Meaning: one side does not have extended_master_secret, so the session's keys do not depend on the whole handshake.

Evidence: ServerHello (observed); TLS 1.3 always binds them.

Why it matters: an attacker between two sessions can make their keys equal (triple handshake).

How to fix: update the library of the side that lacks it, or move both to TLS 1.3.

Reference: RFC 7627, RFC 9325 section 3.5.
""",
    "pq.readiness": """pq.readiness: sessions that a quantum computer can decrypt later

Meaning: the key exchange has no post-quantum part. Whoever records the session now can read it once there is a quantum
computer of sufficient size (harvest now, decrypt later).

Evidence: version and group of the ServerHello (observed).

Why it matters: what has to stay secret for ten years needs this today; signatures can wait.

How to fix: offer X25519MLKEM768 (or SecP256r1MLKEM768, SecP384r1MLKEM1024) on both sides and let the server prefer it.

Reference: FIPS 203, IANA TLS Supported Groups, NIST IR 8547.
""",
    **{
        f"esp.{fact}": f"""esp.{fact}: {what}

Meaning: a standard refuses this algorithm for the traffic in the tunnel.

Evidence: {_ESP_EVIDENCE}

Why it matters: {why}

How to fix: change the ESP proposals on both gateways; the finding names what to propose.

Reference: RFC 8221, RFC 9395.
"""
        for fact, what, why in (
            ("encr", "the cipher of the tunnel's packets", "whoever breaks it reads what goes through."),
            ("integ", "the integrity algorithm of the tunnel's packets", "it keeps packets from being changed."),
        )
    },
    "pq.exposure": """pq.exposure: how much recorded traffic a quantum computer could read

Meaning: `bytes` of `count` sessions at this endpoint went over keys that come from an exchange without a post-quantum
part, both ways and with headers. Sessions that were refused, and those of a pre-shared key alone, are not among them.

Evidence: version, suite and group of each session, and the bytes of its flow at its end (observed).

Why it matters: who records this today can read it later (harvest now, decrypt later); the figure says where moving to
ML-KEM first helps most. pq.readiness says which side is in the way.

How to fix: offer X25519MLKEM768 (or SecP256r1MLKEM768, SecP384r1MLKEM1024) on both sides and let the server prefer it:
OpenSSL 3.5 (nginx, Apache and HAProxy built on it), Go 1.24, JDKs with ML-KEM in TLS, AWS load balancers with a policy
that has PQ in its name, CloudFront by itself.

Reference: FIPS 203, NIST IR 8547, draft-ietf-tls-ecdhe-mlkem.
""",
    **{
        f"ike.{fact}": f"""ike.{fact}: {what}

Meaning: {meaning}

Evidence: {_IKE_EVIDENCE}

Why it matters: {why}

How to fix: {_IKE_FIX}

Reference: RFC 8247, RFC 9395.
"""
        for fact, what, meaning, why in (
            ("version", "the version of IKE", "IKEv1 is retired.", "it is no longer maintained and has weak modes."),
            (
                "mode",
                "the mode of IKEv1",
                "aggressive mode was used.",
                "it shows identities and lets a pre-shared key be guessed offline.",
            ),
            (
                "encr",
                "the cipher of the IKE SA",
                "a standard refuses this cipher.",
                "it protects the keys of the tunnel.",
            ),
            (
                "prf",
                "the function that keys are derived with",
                "a standard refuses this function.",
                "all keys of the tunnel come from it.",
            ),
            (
                "integ",
                "the integrity algorithm of the IKE SA",
                "a standard refuses this algorithm.",
                "it keeps messages from being changed.",
            ),
            (
                "ke",
                "the key exchange of the IKE SA",
                "a standard refuses this group.",
                "whoever breaks it reads the tunnel, also a recorded one.",
            ),
        )
    },
}
