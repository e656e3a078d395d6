"""ipsec.bypass: policies of the gateway let traffic pass unprotected

Meaning: `host.bypass`: a policy that allows packets as they are is asked before one that wants IPsec for some of the
same traffic (`host.bypassed`). `host.optional`: a policy wants IPsec and lets packets pass as they are while there is
no association. `host.fleeting`: strongSwan protects this traffic while the child SA is there, and has neither a trap
nor a policy that drops it for when it is not. `host.default`: what the kernel does with packets that no policy covers,
and in which directions.

Evidence: the kernel's policy database and its default (Linux 5.15 on), and what strongSwan says of its own (host),
handed over by `transitproof gateway`. Policies of single sockets, such as those that let IKE itself out, are left out.

Why it matters: such traffic leaves in the clear although the tunnel is up, or whenever it is down. A default that lets
pass is usual where a gateway leads to the Internet too; then a mistake in one prefix is enough.

How to fix: remove the policy or narrow it (strongSwan: `mode = pass` children, the bypass-lan plug-in); for optional
ones let the level be required (`ip xfrm policy … tmpl … level required`); for those that go with their child SA add
`trap` to start_action, or a child with `mode = drop` for the same selectors. Where all traffic is meant to be inside,
`ip xfrm policy setdefault in block fwd block out block`, after policies for IKE itself. A firewall that drops such
traffic does the same and is not seen here.

Reference: RFC 4301 section 4.4.1 (PROTECT, BYPASS, DISCARD; the order of the database decides; what matches nothing has
to be discarded).
"""

from typing import Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "ipsec.bypass"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each such policy, and one for the default."""
    if (bypass := facts.get("host.bypass")) is not None:
        title = f"Policy lets {bypass} pass unprotected, before the one that protects {facts['host.bypassed']}"
        return [
            _verdict(facts, "warn", "medium", title, "Remove the policy, or narrow it to what may be read by anybody.")
        ]
    if (optional := facts.get("host.optional")) is not None:
        title = f"Policy for {optional} lets packets pass unprotected while there is no association"
        remedy = "Make the template's level required, so that packets wait for the tunnel or are dropped."
        return [_verdict(facts, "fail", "medium", title, remedy)]
    if (fleeting := facts.get("host.fleeting")) is not None:
        title = f"Nothing holds {fleeting} back when its child SA is gone"
        remedy = "Add trap to the child's start_action, or a child with mode = drop for the same selectors."
        return [_verdict(facts, "warn", "medium", title, remedy)]
    if (default := facts.get("host.default")) is not None:
        if default == "block":
            return [_verdict(facts, "pass", "info", "What no policy covers is dropped", None)]
        title = f"What no policy covers passes unprotected: {default}"
        remedy = "Where all traffic is meant to be inside, let the default be block, after policies for IKE itself."
        return [_verdict(facts, "warn", "low", title, remedy)]
    return []


def _verdict(facts: Facts, status: Status, severity: Severity, title: str, remedy: str | None) -> Verdict:
    members = ("host.bypass", "host.bypassed", "host.optional", "host.fleeting", "host.default")
    observed: Facts = {fact: facts[fact] for fact in members if fact in facts}
    return Verdict(
        check=CHECK,
        status=status,
        severity=severity,
        title=title,
        observed=observed,
        key=observed,
        remediation=remedy,
    )
