"""certificate.changed: an endpoint that showed one certificate and then, or besides, another

Meaning: under one name (or without one) an endpoint sent more than one certificate. `observed.changed` says what
differs:
issuer (another authority, or another self-signed certificate: warn) ·
key (replaced while more than two thirds of its validity were left, by one with another key: warn) ·
names (without a server name: none of the names of the one is in the other: warn) ·
renewed (the same authority, for the same names: pass).
`observed.how` is replaced if the one was not seen any more when the other came, else side_by_side: servers behind one
address that have certificates of their own, RSA beside ECDSA, a renewal under way.

Evidence: the Certificate messages in the order of their packets (observed). Authorities are told apart by the
organisation in the issuer's name, since they change their intermediates often. 16 certificates of an endpoint and name
are remembered, 65,536 endpoints (`limits.histories`).

Why it matters: an attacker or a product that reads along shows its own certificate, to all or to some; and a key that
is replaced early may have been lost. Mostly it is a change of authority that somebody can confirm.

How to fix: ask whoever runs the endpoint whether the change was meant; if nobody knows of it, compare with what the
endpoint sends elsewhere (`transitproof cert`).

Reference: RFC 5280 section 4.1.2.4; Durumeric et al., "The Security Impact of HTTPS Interception", NDSS 2017.
"""

import datetime as dt
import re
from itertools import pairwise
from typing import Any, Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "certificate.changed"

_EARLY: Final = 2 / 3
"""What has to be left of the validity for a replacement to be early: renewals come at a third or at a half."""
_ORGANISATION: Final = re.compile(r"(?:^|[,+])O=((?:[^,+\\]|\\.)+)")
_ROWS: Final[dict[str, tuple[Status, Severity, str, str | None]]] = {
    "issuer": (
        "warn",
        "medium",
        "Certificate of another issuer",
        "Ask whoever runs the endpoint whether the change was meant; compare with: transitproof cert.",
    ),
    "key": (
        "warn",
        "low",
        "Certificate and key replaced long before their end",
        "Ask why: a key that was lost is replaced so, and then the old certificate has to be revoked.",
    ),
    "names": (
        "warn",
        "low",
        "Certificate for other names",
        "Ask whether another service moved to this endpoint.",
    ),
    "renewed": ("pass", "info", "Certificate renewed", None),
}


def judge(history: Facts) -> list[Verdict]:
    """One verdict for each kind of change, about the latest one."""
    found: dict[str, Verdict] = {}
    for before, after in pairwise(history["certificates"]):
        changed = _changed(before, after, named=history.get("name") is not None)
        found[changed] = _verdict(changed, before, after)
    return list(found.values())


def _changed(before: Facts, after: Facts, *, named: bool) -> str:
    old, new = before["certificate"], after["certificate"]
    if authority(old) != authority(new):
        return "issuer"
    if not named and old.get("sans") and new.get("sans") and not set(old["sans"]) & set(new["sans"]):
        return "names"
    if not _side_by_side(before, after) and _other_key(old, new) and _left(old, after["first_seen"]) > _EARLY:
        return "key"
    return "renewed"


def _verdict(changed: str, before: Facts, after: Facts) -> Verdict:
    status, severity, title, remediation = _ROWS[changed]
    old, new = before["certificate"], after["certificate"]
    side_by_side = _side_by_side(before, after)
    observed: Facts = {
        "changed": changed,
        "how": "side_by_side" if side_by_side else "replaced",
        "from": {"sha256": old["sha256"], **_shown(old)},
        "to": {"sha256": new["sha256"], **_shown(new)},
    }
    if changed == "issuer":
        title = f"{title}: {who(new)} {'beside' if side_by_side else 'after'} {who(old)}"
    return Verdict(
        check=CHECK,
        status=status,
        severity=severity,
        title=title,
        observed=observed,
        key={"changed": changed},
        remediation=remediation,
    )


def authority(certificate: Facts) -> Any:  # noqa: ANN401 - something to compare
    """The organisation that issued it; what vouches for itself is its own."""
    issuer = certificate.get("issuer")
    if not isinstance(issuer, str):
        return certificate["sha256"]
    if issuer == certificate.get("subject"):
        return certificate.get("spki_sha256", certificate["sha256"])
    organisation = _ORGANISATION.search(issuer)
    return (organisation[1] if organisation else issuer).casefold()


def who(certificate: Facts) -> str:
    """The issuer of a certificate record, for people."""
    issuer = certificate.get("issuer")
    if not isinstance(issuer, str):
        return "one that cannot be read"
    return f"itself ({issuer})" if issuer == certificate.get("subject") else issuer


def _shown(certificate: Facts) -> Facts:
    return {name: certificate[name] for name in ("subject", "issuer") if name in certificate}


def _side_by_side(before: Facts, after: Facts) -> bool:
    return bool(before["last_seen"] > after["first_seen"])


def _other_key(old: Facts, new: Facts) -> bool:
    """Of the same kind: an ECDSA key beside or after an RSA key is a change of kind."""
    kinds = [certificate.get("key", {}).get("algorithm") for certificate in (old, new)]
    return kinds[0] == kinds[1] and old.get("spki_sha256") != new.get("spki_sha256")


def _left(certificate: Facts, second: int) -> float:
    """The share of its validity that is left at a second since the epoch; 0 if that cannot be told."""
    try:
        begin, end = (dt.datetime.fromisoformat(certificate[name]).timestamp() for name in ("not_before", "not_after"))
    except (KeyError, ValueError):
        return 0.0
    return (end - second) / (end - begin) if end > begin else 0.0
