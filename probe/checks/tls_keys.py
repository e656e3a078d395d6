"""tls.keys: keys that were given for a session and do not open it

Meaning: a key log or a capture's own Decryption Secrets Block names this session by its client random, but its
handshake does not open with the secrets there, or a Finished in it is not what they make it (`unfit`). Or all that is
right, but the signature in a CertificateVerify was not made with the key of the certificate that was shown
(`observed.reason` unproven): then somebody may know the secrets who is not who the certificate says.

Evidence: the authentication tag of the first encrypted record, the Finished of each side, checked over the whole
handshake, and the signatures of CertificateVerify where the certificate's key is of a usual kind: ECDSA with P-256 and
P-384, RSA of 2048 bits and more, Ed25519 (decrypted).

Why it matters: what the session's certificates are stays unknown, and a log that is wrong here may be wrong elsewhere.
`unfit` says nothing against the endpoint; unproven does, for a client would have to refuse it.

Encrypted Client Hello: a client whose hidden hello was taken logs its secrets under the random of that one, which
nobody sees. So for a hello with the extension all secrets of the log are tried on the server's first record (over TCP);
what opens it is of this session, and `tls.ech_accepted` is true. Its Finished and its signature are made over the
hidden hello and cannot be checked; the certificate is for the hidden name, and is judged without one. A Finished that
fits the hello that was seen says that the hidden one was not taken (`tls.ech_accepted` false).

How to fix: record the key log with the same run of the client or server as the capture (SSLKEYLOGFILE), and let nobody
edit it; if only one end's log is wrong, use the other's. unproven: look for an interception between the two.

Reference: RFC 9850 (key logs), RFC 8446 section 4.4.4 (Finished), RFC 9849 (Encrypted Client Hello).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "tls.keys"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where keys were given."""
    keys = facts.get(CHECK)
    if keys is None:
        return []
    if facts.get("tls.proven") is False:
        return [_unproven()]
    unfit = keys == "unfit"
    return [
        Verdict(
            check=CHECK,
            status="warn" if unfit else "pass",
            severity="low" if unfit else "info",
            title="Keys given for this session do not open it" if unfit else "Handshake read with the keys given",
            observed={CHECK: keys},
            key={CHECK: keys},
            remediation="Record the key log in the same run of the client or server as the capture." if unfit else None,
            evidence="decrypted",
        )
    ]


def _unproven() -> Verdict:
    return Verdict(
        check=CHECK,
        status="fail",
        severity="high",
        title="Handshake not signed with the key of the certificate that it shows",
        observed={CHECK: "fit", "reason": "unproven"},
        key={"reason": "unproven"},
        remediation="Look for an interception: who has these secrets is not who the certificate names.",
        evidence="decrypted",
    )
