"""tls.keys: keys that were given for a session and do not open it

Meaning: a key log or a capture's own Decryption Secrets Block names this session by its client random, but its
handshake does not open with the secrets there, or a Finished in it is not what they make it.

Evidence: the authentication tag of the first encrypted record and the Finished of each side, checked over the whole
handshake (decrypted).

Why it matters: what the session's certificates are stays unknown, and a log that is wrong here may be wrong elsewhere.
It says nothing against the endpoint.

How to fix: record the key log with the same run of the client or server as the capture (SSLKEYLOGFILE), and let nobody
edit it; if only one end's log is wrong, use the other's.

Reference: RFC 9850 (key logs), RFC 8446 section 4.4.4 (Finished).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "tls.keys"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where keys were given."""
    keys = facts.get(CHECK)
    if keys is None:
        return []
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
