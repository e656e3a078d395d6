"""certificate.interception: a certificate made up on the way by a product that reads along inside TLS

Meaning: an issuer in the chain has a name with which a security product, a proxy or an antivirus program is known to
sign the certificates that it makes up for the sites that it reads along with. `observed.detail` names the product.

Or the endpoint sends to this host (--reprobe) a certificate of another authority than it sent to its clients, with
another key, and one that was valid already then: `observed.reason` is differs, `observed.from` what the clients were
sent and `observed.to` what the endpoint sends.

Evidence: the issuers' names in the Certificate message (observed), against the list that is shipped,
probe/trust/middleboxes.toml, with the source of each name; for differs what was fetched (reprobed), with authorities
told apart by the organisation in the issuer's name. Anybody can take such a name; and such a product signs its
own administration pages with it too, so one that is reached directly is found as well. A product that uses the
organisation's own authority is not told from it by names: then `--reprobe` or certificate.changed tell. An endpoint may
send different certificates on purpose, by the client's address, server name, protocol or algorithms, or from servers
that are set up differently; and where this host is behind the same product, both are the same.

Why it matters: what the client takes for its peer is the product, which sees everything in the clear, chooses the
protocol version towards the server itself, and decides whether the server's certificate is checked at all.

How to fix: if it is meant, exempt what must not be read, and see how the product verifies servers; if it is not, find
out who installed it.

Reference: Durumeric et al., "The Security Impact of HTTPS Interception", NDSS 2017.
"""

from typing import Final

from probe.checks.certificate_changed import authority, who
from probe.model import Facts, Verdict

CHECK: Final = "certificate.interception"
WORDING: Final = (
    "warn",
    "medium",
    "Certificate signed with the name of a product that reads along inside TLS",
    "detail",
    "If it is meant, exempt what must not be read and see how it verifies servers; else find out who installed it.",
)
"""As in certificate_chain.py."""


def compare(sent: Facts, fetched: Facts, last_seen: str) -> Verdict | None:
    """Certificate records of what clients were sent, last at `last_seen` (RFC 3339), and of what was fetched since.

    None if it is the same, of the same authority or with the same key, or a later one that took its place.
    """
    keys = [record.get("spki_sha256") for record in (sent, fetched)]
    if None in keys or keys[0] == keys[1] or authority(sent) == authority(fetched):
        return None
    if fetched.get("not_before", last_seen) > last_seen:
        return None
    shown = ("sha256", "subject", "issuer")
    return Verdict(
        check=CHECK,
        status="warn",
        severity="medium",
        title=f"Certificate of another issuer than the endpoint itself sends: {who(sent)}, not {who(fetched)}",
        observed={
            "reason": "differs",
            "from": {name: sent[name] for name in shown if name in sent},
            "to": {name: fetched[name] for name in shown if name in fetched},
        },
        key={"reason": "differs", "sha256": sent["sha256"]},
        remediation="Find out what stands between: a product that reads along, or servers that are set up differently.",
    )
