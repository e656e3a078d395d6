"""ipsec.leak: traffic outside of the tunnel that has to carry it

Meaning: a flow that has to be inside an IPsec tunnel was seen outside of any. `fail` where its content can be read
there; `warn` where it is encrypted by itself or nothing is known of it, where it goes to this side only (below), and
where the same flow was seen inside the tunnel too: a capture with both sides of a gateway shows that of all traffic,
one on the outer link alone of what is sent twice.

What has to be inside is given (`--protect 10.1.0.0/16,10.2.0.0/16`, or `protect` in the configuration: this side first;
a single prefix means all that enters or leaves it), learnt from the traffic selectors of IKEv2 read with keys, or taken
from the kernel of a gateway. Without any of these a flow is told that is seen both inside a tunnel that can be read
(ESP without encryption, AH, or with keys) and outside.

Evidence: addresses, ports and class of the flow (observed); the selectors (decrypted) or the kernel's policies (host).
`leak.seen_inside`: the same flow began or ended inside a tunnel within a tenth of a second. `leak.direction`: which of
its packets are outside; Linux shows what it has just decrypted on the interface where it came in, as if it had come in
the clear, so `inbound` alone (or `one_way`, where it is not known which side is this one) may be that.

Why it matters: a route, a tunnel that is down or a policy that is too narrow sends in the clear what everybody believes
to be protected, and nothing stops working.

How to fix: make the policy drop what the tunnel does not take (on strongSwan a trap policy, `start_action = trap`, or a
drop policy of lower priority), and compare routes and traffic selectors with the networks meant. Capture on the outer
link of a gateway; a capture on `any` has the inner side too.

Reference: RFC 4301 sections 4.4.1 and 5.1 (what a policy says to protect is protected or discarded), NIST SP 800-77r1
section 6.
"""

from typing import Final

from probe.checks.plaintext_protocol import shown
from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "ipsec.leak"

_ONE_WAY: Final = ("inbound", "one_way")
_REMEDY: Final = (
    "Let the gateway drop what its tunnel does not take, and compare routes and selectors with what is meant."
)
_OBSERVED: Final = ("leak.class", "leak.protocol", "leak.source", "leak.policy", "leak.direction", "leak.seen_inside")


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each kind of flow outside."""
    kind = facts.get("leak.class")
    if kind is None:
        return []
    status, severity = _grade(facts)
    what = shown(facts.get("leak.protocol", "")) if kind != "unknown" else "Traffic"
    where = {"plaintext": "in the clear outside of the tunnel", "unknown": "outside of the tunnel"}
    title = f"{what} {where.get(kind, 'outside of the tunnel, encrypted by itself')}"
    if "leak.policy" in facts:
        title += f" that has to carry {facts['leak.policy']}"
    if facts["leak.seen_inside"]:
        title += ", and seen inside too"
    elif facts.get("leak.direction") in _ONE_WAY:
        title += ", one direction only"
    return [
        Verdict(
            check=CHECK,
            status=status,
            severity=severity,
            title=title,
            observed={fact: facts[fact] for fact in _OBSERVED if fact in facts},
            key={fact: facts[fact] for fact in _OBSERVED if fact in facts and fact != "leak.source"},
            remediation=_REMEDY,
        )
    ]


def _grade(facts: Facts) -> tuple[Status, Severity]:
    if facts["leak.seen_inside"] or facts.get("leak.direction") in _ONE_WAY:
        return ("warn", "medium") if facts["leak.class"] == "plaintext" else ("warn", "low")
    return ("fail", "high") if facts["leak.class"] == "plaintext" else ("warn", "medium")
