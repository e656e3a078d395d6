"""dns.tcp_volume: much data in one DNS connection over TCP

Meaning: one connection that speaks DNS over TCP carried more than a host needs for look-ups: 256 KiB or more.

Evidence: `dns.tcp_bytes`: a power of two that the bytes of the connection reach (observed).

Why it matters: a transfer of a zone gives away every name in it; a tunnel over TCP moves data faster than one over
UDP.

How to fix: allow transfers to the secondaries of a zone only (with TSIG), and find the program if no transfer was
meant.

Reference: RFC 7766 (DNS over TCP), RFC 5936 (transfer of zones), RFC 8945 (TSIG).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "dns.tcp_volume"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each size."""
    size = facts.get("dns.tcp_bytes")
    if size is None:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low",
            title=f"Much data in one DNS connection over TCP: {size >> 10} KiB or more",
            observed={"dns.tcp_bytes": size},
            key={},
            remediation="Allow transfers of zones to their secondaries only; find the program if none was meant.",
            evidence="observed",
        )
    ]
