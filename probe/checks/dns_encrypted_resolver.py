"""dns.encrypted_resolver: a resolver is asked over TLS, HTTPS or QUIC

Meaning: a client speaks DNS over TLS (`dot`), HTTPS (`doh`) or QUIC (`doq`) with this server: told by the port 853,
by the application protocol that the client offers, or by the name of a resolver that anyone may ask
(`dns.resolver_name`).

Evidence: `dns.encrypted_resolver` (observed). DNS over HTTPS with servers that are not on the list of public
resolvers looks like any other HTTPS and does not show; with Encrypted Client Hello neither does the name.

Why it matters: nobody between can read the look-ups, which is as it should be where the resolver is the one that
was meant. Where it is not, names leave the network past its own resolver, its block lists and this probe: a tunnel
through it does not show as dns.tunnel.

How to fix: where the use is wanted, offer an encrypted resolver of your own and declare it (RFC 9463); where not,
block port 853 and the names of public resolvers, and set the policy of browsers.

Reference: RFC 7858 (DoT), RFC 8484 (DoH), RFC 9250 (DoQ), RFC 9463 (how a network tells its encrypted resolvers).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "dns.encrypted_resolver"


_WAYS: Final = {"dot": "over TLS", "doh": "over HTTPS", "doq": "over QUIC"}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each way."""
    how = facts.get(CHECK)
    name = facts.get("dns.resolver_name")
    if how is None:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low",
            title=f"DNS under encryption: {_WAYS.get(how, how)}" + (f" with {name}" if name else ""),
            observed={CHECK: how, **({"dns.resolver_name": name} if name else {})},
            key={CHECK: how},
            remediation="Let clients use the resolver that the network offers, and block others.",
            evidence="observed",
        )
    ]
