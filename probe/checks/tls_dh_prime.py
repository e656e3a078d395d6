"""tls.dh_prime: a prime of Diffie-Hellman that many servers share, where that matters

Meaning: `observed.reason` is one of
precomputed (a prime of 1024 bits or less that came with a program or a standard: the expensive part of breaking it is
done once for all servers that use it, and has been done for those of 512 bits) ·
subgroups (a prime of RFC 5114: it is no safe prime, and an implementation that does not check what it receives leaks
its secret bit by bit).
`tls.dh_prime` names the source: rfc2409_1024 and rfc3526_2048 stand for groups of these documents, apache_1024,
nginx_1024, openssl_1024 and java_1024 for what these programs had built in. Shared primes of 2048 bits and more are in
order; that a prime is too short at all is for the rules about tls.group.

Evidence: the prime in ServerKeyExchange, compared digit by digit (observed); TLS 1.2 and below.

Why it matters: a state can afford the precomputation for 1024 bits (Logjam), and then reads every session that was
ever recorded with this prime.

How to fix: nginx: remove ssl_dhparam or give it a file of ffdhe2048 or longer, or take DHE out of ssl_ciphers; Apache
2.4.7 and newer choose by the size of the key; HAProxy `ssl-dh-param-file`; Java `jdk.tls.ephemeralDHKeySize=2048`; AWS
load balancers have no DHE in their current policies. Simplest: allow ECDHE only.

Reference: RFC 9325 section 4.5, RFC 7919, Adrian et al., "Imperfect Forward Secrecy" (2015), Valenta et al., "Measuring
small subgroup attacks against Diffie-Hellman" (2017).
"""

from typing import Final

from probe.model import Facts, Severity, Verdict

CHECK: Final = "tls.dh_prime"

_BROKEN_BITS: Final = 512
_AFFORDABLE_BITS: Final = 1024
_FIX: Final = "Allow ECDHE only, or give the server a prime of at least 2048 bits such as ffdhe2048."


def judge(facts: Facts) -> list[Verdict]:
    """A verdict on a prime that is known by name."""
    name, bits = facts.get(CHECK), facts.get("tls.dh_bits", 0)
    if name is None:
        return []
    severity: Severity
    if bits <= _AFFORDABLE_BITS:
        severity = "critical" if bits <= _BROKEN_BITS else "high"
        reason, title = "precomputed", f"Diffie-Hellman over a {bits}-bit prime that many servers share ({name})"
    elif name.startswith("rfc5114"):
        severity = "low"
        reason, title = "subgroups", f"Diffie-Hellman over a prime with small subgroups ({name})"
    else:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn" if reason == "subgroups" else "fail",
            severity=severity,
            title=title,
            observed={"reason": reason, CHECK: name, "tls.dh_bits": bits},
            key={"reason": reason, CHECK: name},
            remediation=_FIX,
        )
    ]
