"""[alerts] of the configuration: rules, where messages go, and when nobody wants any.

[[alerts.rule]]
name = "on call"
severity = "high"
to = ["pager"]

[alerts.end.pager]
kind = "webhook"
url = "https://pager.example/hook"
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from probe.model import Severity
from probe.publish.settings import Tls, loopback
from probe.values import AbsolutePath, Duration

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Group = Literal["rule", "site", "endpoint", "check"]


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which findings somebody wants to hear of. Globs (`tls.*`); an empty list is all."""

    name: str
    to: tuple[str, ...]
    severity: Severity = "high"
    """At least this."""
    checks: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    group: Group = "site"
    """Findings that have this in common come in one message."""
    wait: Duration = Duration(30)
    """How long the first finding of a group waits for others."""
    again: Duration = Duration(300)
    """Between two messages about one group."""


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}):
    """Nothing is sent about these sites meanwhile; what is still open afterwards is sent then. Times are UTC."""

    sites: tuple[str, ...] = ()
    from_: dt.datetime | None = None
    until: dt.datetime | None = None
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    """Each week on these days, from `start` to `end`; an end before the start is on the next day."""
    start: dt.time = dt.time(0, 0)
    end: dt.time = dt.time(0, 0)


class Webhook(Tls, frozen=True, kw_only=True, tag_field="kind", tag="webhook"):
    """A POST of JSON."""

    url: str
    secret: AbsolutePath | None = None
    """A file; the body is signed with its content (HMAC-SHA256 in Transitproof-Signature)."""
    authorization: AbsolutePath | None = None
    """A file with the value of that header."""


class Email(Tls, frozen=True, kw_only=True, tag_field="kind", tag="email"):
    """SMTP, always under TLS."""

    host: str
    port: int = 587
    implicit: bool = False
    """TLS from the first byte (port 465), not after STARTTLS."""
    user: str | None = None
    password: AbsolutePath | None = None
    sender: str
    to: tuple[str, ...]


class Sns(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="sns"):
    """Amazon SNS; the extra `aws` is needed. Credentials come from where boto3 finds them."""

    topic: str
    region: str | None = None


class EventBridge(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="eventbridge"):
    """Amazon EventBridge; the extra `aws` is needed."""

    bus: str = "default"
    region: str | None = None
    source: str = "transitproof"


class Syslog(Tls, frozen=True, kw_only=True, tag_field="kind", tag="syslog"):
    """RFC 5424 over TLS (RFC 5425)."""

    host: str
    port: int = 6514
    plain: bool = False
    """TCP without TLS: only to this host itself."""
    facility: int = 13


End = Webhook | Email | Sns | EventBridge | Syslog


class Alerts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[alerts]."""

    rule: tuple[Rule, ...] = ()
    end: dict[str, End] = {}
    maintenance: tuple[Maintenance, ...] = ()
    url: str = ""
    """Of the pages, for links in messages: https://collector.example"""


def problems(alerts: Alerts) -> Iterator[str]:
    """What the types do not say."""
    names = [rule.name for rule in alerts.rule]
    for rule in alerts.rule:
        if names.count(rule.name) > 1:
            yield f"alerts.rule: two have the name {rule.name!r}"
        if missing := sorted(set(rule.to) - set(alerts.end)):
            yield f"alerts.rule {rule.name!r}: there is no [alerts.end.{missing[0]}]"
        if not rule.to or not 0 <= rule.wait <= 86_400 or not 0 <= rule.again <= 604_800:
            yield f"alerts.rule {rule.name!r}: `to` must name an end, wait be at most a day, again at most a week"
    for window in alerts.maintenance:
        if (window.from_ is None) != (window.until is None) or (window.from_ is None) == (not window.days):
            yield "alerts.maintenance: either from and until, or days with start and end"
    for name, end in alerts.end.items():
        yield from (f"alerts.end.{name}: {problem}" for problem in _of_end(end))


def _of_end(end: End) -> Iterator[str]:
    match end:
        case Webhook():
            url = urlsplit(end.url)
            if url.scheme != "https" and not (url.scheme == "http" and loopback(url.hostname or "")):
                yield f"{end.url!r} is no https address (http: only to this host itself)"
        case Email():
            if (end.user is None) != (end.password is None):
                yield "user and password go together"
            if not end.to or any(letter in "".join((end.sender, *end.to)) for letter in "\r\n"):
                yield "to must name somebody, and addresses are one line each"
        case Syslog():
            if end.plain and not loopback(end.host):
                yield f"messages go to {end.host} under TLS only; plain is for this host itself"
            if not 0 <= end.facility <= 23:
                yield "facility must be a number from 0 to 23"
