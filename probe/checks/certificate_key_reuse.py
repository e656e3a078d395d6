"""certificate.key_reuse: one key in more than one certificate

Meaning: `observed.how` is
renewal (the certificate was renewed and the key kept: the names of all of them overlap) ·
certificates (the same key in certificates for different names).
One certificate on many servers is not reported: that is how load is balanced.

Evidence: SHA-256 of the SubjectPublicKeyInfo in the Certificate messages (observed). Of each key 16 certificates and 16
places are remembered, 65,536 keys in all (`limits.histories`).

Why it matters: the validity of certificates bounds how long a lost key can be misused, but only if the key ends with
it. And who takes the key of one of several services has them all: their sessions can be redirected to one another, too
(ALPACA).

How to fix: make a new key for each certificate: certbot does so unless told otherwise (`--reuse-key`), acme.sh with
`--always-force-new-domain-key`. If the key is kept on purpose, for DANE say, waive this finding.

Reference: NIST SP 800-57 part 1 section 5.3 (cryptoperiods); Brinkmann et al., "ALPACA", USENIX Security 2021.
"""

from itertools import combinations
from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "certificate.key_reuse"
_SHOWN: Final = 8


def judge(history: Facts) -> list[Verdict]:
    """One verdict about a key that several certificates have."""
    certificates = [seen["certificate"] for seen in history["certificates"]]
    names = [set(certificate.get("sans") or [certificate["subject"]]) for certificate in certificates]
    apart = any(not one & other for one, other in combinations(names, 2))
    count, places = len(certificates), len(history["places"])
    observed: Facts = {
        "how": "certificates" if apart else "renewal",
        "spki_sha256": history["spki_sha256"],
        "certificates": [certificate["sha256"] for certificate in certificates[:_SHOWN]],
        "endpoints": sorted({place["endpoint"] for place in history["places"]})[:_SHOWN],
    }
    several = f"{count} certificates at {places} place{'' if places == 1 else 's'}"
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium" if apart and len(observed["endpoints"]) > 1 else "low",
            title=f"One key for different names: {several}" if apart else "Certificate renewed with the same key",
            observed=observed,
            key={"spki_sha256": history["spki_sha256"]},
            remediation="Make a new key for each certificate.",
        )
    ]
