"""tls.sni: TLS to a public address by a client that names no server

Meaning: a ClientHello without server_name went to an address of the public Internet. The client was given an address
rather than a name, or is a program that does not send the name: old libraries, scanners, and malware that avoids names.

Evidence: the ClientHello (observed); the address against IANA's special-purpose registries. DTLS and QUIC are left out:
peers of calls have no names, and QUIC always sends one.

Why it matters: whoever connects to an address can hardly verify the certificate, which is issued for names; and which
of the sites at that address was meant cannot be known, here or at a firewall.

How to fix: connect to the service by its name, with a library that sends it; look at which program this was.

Reference: RFC 6066 section 3; RFC 9525 section 1.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "tls.sni"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict, for public addresses, where a ClientHello without a name was seen."""
    if facts.get("tls.sni_offered") is not False or facts.get("protocol") != "tls" or facts.get("starttls"):
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low",
            title="TLS to a public address without a server name",
            observed={"tls.sni_offered": False},
            key={},
            remediation="Connect to the service by its name, with a library that sends it.",
            public_only=True,
        )
    ]
