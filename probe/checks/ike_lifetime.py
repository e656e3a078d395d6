"""ike.lifetime: a security association that is used for too long

Meaning: an IKE SA or an association of ESP was in use for more than a day without being replaced, IKEv1 agreed on more
than a day, or the kernel of a gateway allows it.

Evidence: `ike.sa_hours` and `esp.sa_hours`, whole hours between the first and the last message or packet under the same
SPIs (observed; the association may be older than the capture). `ike.lifetime`, seconds that IKEv1 agreed on (observed).
In IKEv2 each side keeps its own limit and sends none;
`esp.lifetime_hours` and `esp.unlimited` are what the kernel of a gateway says of its own (host).

Why it matters: all that was sent under one association falls with its keys; new keys bound the damage, and the peer is
authenticated anew only with a new IKE SA. A gateway that never rekeys also hides that rekeying no longer works.

How to fix: strongSwan: rekey_time in the connection (4 h by default) and in its children (1 h by default). AWS: phase 1
lifetime at most 28,800 s, phase 2 at most 3,600 s.

Reference: RFC 7296 sections 2.8 and 2.12 (closing and replacing SAs), RFC 4301 section 4.4.2.1 (lifetimes).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.lifetime"

MAX_HOURS: Final = 24
"""What common gateways have as their upper end for IKE; for ESP they replace hourly to every eight hours."""

_HOUR: Final = 3600
_WHAT: Final = {
    "ike.sa_hours": ("IKE SA in use for {hours} h", 1),
    "esp.sa_hours": ("ESP association in use for {hours} h", 1),
    "esp.lifetime_hours": ("The gateway keeps an ESP association for up to {hours} h", 1),
    "ike.lifetime": ("IKEv1 agreed on a lifetime of {hours} h", _HOUR),
}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each that lasts too long."""
    verdicts = [_unlimited()] if facts.get("esp.unlimited") else []
    for fact, (title, unit) in _WHAT.items():
        if facts.get(fact, 0) <= MAX_HOURS * unit:
            continue
        verdicts.append(
            Verdict(
                check=CHECK,
                status="warn",
                severity="medium",
                title=title.format(hours=facts[fact] // unit),
                observed={fact: facts[fact]},
                key={"fact": fact},
                remediation="Let both gateways replace IKE SAs within a day and associations of ESP within hours.",
            )
        )
    return verdicts


def _unlimited() -> Verdict:
    return Verdict(
        check=CHECK,
        status="warn",
        severity="medium",
        title="The kernel has an ESP association without any limit to its life",
        observed={"esp.unlimited": True},
        key={"fact": "esp.unlimited"},
        remediation="Set limits where it was made; what is set by hand (ip xfrm) should be negotiated by IKE instead.",
    )
