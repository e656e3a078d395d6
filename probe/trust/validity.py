"""How long a certificate is valid, and for how long still; parsers/flow/src/trust/validity.rs says the same.

The longest validity is the CA/B Forum's schedule (Baseline Requirements section 6.3.2, ballots 193, SC22 and SC081), by
the day of issue, for which notBefore stands. It binds public authorities only. A part of a day counts as one.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from cryptography import x509

from probe.trust.certificates import Parsed
from probe.trust.reasons import Judgement, of

SOON: Final = dt.timedelta(days=30)
"""What is left of the validity of a certificate that expires soon, at most."""
SHARE: Final = 6
"""Or this part of its lifetime: it should have been renewed at a third, the rule of automated renewal."""
LONGEST: Final = (
    (dt.date(2029, 3, 15), 47),
    (dt.date(2027, 3, 15), 100),
    (dt.date(2026, 3, 15), 200),
    (dt.date(2020, 9, 1), 398),
    (dt.date(2018, 3, 1), 825),
    (dt.date(2015, 4, 1), 1187),  # 39 months
)
_SECOND: Final = dt.timedelta(seconds=1)
_DAY: Final = dt.timedelta(days=1)


def soon(leaf: Parsed) -> int | None:
    """The second since the epoch from which on a certificate expires soon."""
    if leaf.x509 is None or leaf.problem:
        return None
    left = min(max(_lifetime(leaf.x509) // _SECOND // SHARE, 0), SOON // _SECOND)
    return int(leaf.x509.not_valid_after_utc.timestamp()) - left + 1


def expiring(leaf: Parsed, when: dt.datetime) -> Iterator[Judgement]:
    """That it expires soon, while it is valid."""
    begins = soon(leaf)
    if begins is None or leaf.x509 is None:
        return
    begin, end = leaf.x509.not_valid_before_utc, leaf.x509.not_valid_after_utc
    if begin <= when <= end and int(when.timestamp()) >= begins:
        yield of("certificate.expiring", leaf, f"valid until {end:%Y-%m-%d}, for {_days(_lifetime(leaf.x509))} in all")


def too_long(leaf: Parsed) -> Iterator[Judgement]:
    """That it is valid for longer than a public authority may issue it."""
    if leaf.x509 is None or leaf.problem:
        return
    begin, found = leaf.x509.not_valid_before_utc, _lifetime(leaf.x509)
    most = next((most for since, most in LONGEST if since <= begin.date()), None)
    if most is not None and found > most * _DAY:
        detail = f"valid for {_days(found)}, issued {begin:%Y-%m-%d}, when {most} days were the most"
        yield of("certificate.validity_length", leaf, detail)


def _lifetime(leaf: x509.Certificate) -> dt.timedelta:
    """Both ends are part of it."""
    return leaf.not_valid_after_utc - leaf.not_valid_before_utc + _SECOND


def _days(length: dt.timedelta) -> str:
    count = -(-length // _DAY)
    return f"{count} day{'' if count == 1 else 's'}"
