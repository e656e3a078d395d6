"""The tables. Times are seconds since 1970 as floats, documents are JSON text: both engines store them alike.

Names from packets (server names, subjects) are data of attackers: they are bound as parameters and never part of a
statement.
"""

from typing import Final

from sqlalchemy import BigInteger as _BigInteger
from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.sql.elements import TextClause

MOST_KEPT: Final = 1 << 56  # of flows and bytes in a row of traffic: sums of such rows stay numbers

FLEET: Final = "(fleet)"  # site of the collector itself, whose findings are about all probes. No topic can name it

metadata: Final = MetaData()
# SQLite counts rows by itself only in columns that it knows as INTEGER. Large, because PostgreSQL uses up a number for
# each upsert.
_Big: Final = _BigInteger().with_variant(Integer, "sqlite")

# Conditions of indexes. A query is answered from such an index only if it says the same with the same words.
IS_OPEN: Final = "workflow = 'open' AND status IN ('fail', 'warn')"
IS_NEWS: Final = "severity > 0 AND status IN ('fail', 'warn')"
IS_SERVER: Final = "NOT ca"
IS_OVER: Final = "workflow = 'resolved'"
SPANS: Final = {"intervals": "span < 3600", "hours": "span >= 3600 AND span < 86400", "days": "span >= 86400"}
NEVER: Final = "1e15"  # seconds since 1970: the end of a certificate that tells none
# The worst severity first, then the number of open findings; small is bad, 0 is fine.
_OPEN: Final = tuple(f"open{severity}" for severity in range(5))
_WORST: Final = "CASE " + " ".join(f"WHEN {_OPEN[n]} > 0 THEN {n + 1}" for n in (4, 3, 2, 1, 0)) + " ELSE 0 END"
RANK_STEP: Final = 1 << 48
RANK: Final = f"-({_WORST}) * {RANK_STEP} - ({' + '.join(_OPEN)})"
_ORDER: Final = ("severity", "last_seen", "uid", "probe_id")


def _partial(condition: str, name: str, *columns: str | TextClause) -> Index:
    """An index of some rows."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


meta: Final = Table(
    "meta", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False)
)

probes: Final = Table(
    "probes",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("site", String(128), nullable=False),
    Column("probe", String(128), nullable=False),
    Column("version", String(40), nullable=False, default=""),
    Column("boot_id", String(64), nullable=False, default=""),
    Column("online", Boolean, nullable=False, default=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("missed", _Big, nullable=False, default=0),  # envelopes that never came
    Column("drops", Text, nullable=False, default="{}"),
    Column("health", Text, nullable=False, default="{}"),
    Column("state", Text, nullable=False, default="{}"),
    Column("told", Float, nullable=False, server_default="0"),  # when the probe sent what boot_id and drops are from
    Column("health_told", Float, nullable=False, server_default="0"),
    Index("probes_site_probe", "site", "probe", unique=True),
)

streams: Final = Table(
    "streams",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("probe_id", _Big, nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("low", _Big, nullable=False),  # all up to here came, or were given up
    Column("high", _Big, nullable=False),  # the highest that came
    Column("given_up", _Big, nullable=False, default=0),
    Column("last_seen", Float, nullable=False),
    Index("streams_probe_boot", "probe_id", "boot_id", unique=True),
)

received: Final = Table(
    "received",
    metadata,
    Column("stream_id", _Big, primary_key=True, autoincrement=False),
    Column("seq", _Big, primary_key=True, autoincrement=False),
    Column("part", String(120), primary_key=True),  # "" for a whole envelope
)

findings: Final = Table(
    "findings",
    metadata,
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("uid", String(64), primary_key=True),
    Column("check_id", String(80), nullable=False),
    Column("status", String(20), nullable=False),
    Column("severity", Integer, nullable=False),  # 0 info … 4 critical, so that it sorts
    Column("policy", String(80), nullable=False, default=""),
    Column("rule", String(80), nullable=False, default=""),
    Column("title", Text, nullable=False),
    Column("endpoint", String(200), nullable=False),
    Column("name", String(255), nullable=False, default=""),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("sightings", _Big, nullable=False),
    Column("record", Text, nullable=False),
    Column("workflow", String(20), nullable=False, default="open"),
    Column("until", Float),  # of a suppression
    Column("note", Text, nullable=False, default=""),
    Column("changed", Float, nullable=False),
    Column("ended", Float),  # up to when a rollup has said that it is over
    # Each is in the order of a list, and one of the first two has every row.
    _partial(IS_OPEN, "findings_open", *_ORDER),
    _partial(f"NOT ({IS_OPEN})", "findings_rest", "workflow", *_ORDER),
    Index("findings_check", "check_id", "workflow", *_ORDER),
    _partial("policy <> ''", "findings_policy", "policy", "workflow", *_ORDER),
    Index("findings_endpoint", "endpoint"),
    Index("findings_uid", "uid"),
    Index("findings_changed", "changed"),
    _partial(IS_NEWS, "findings_new", "severity", "first_seen"),
    _partial(IS_OVER, "findings_resolved", "severity", "changed"),
    _partial("workflow = 'suppressed'", "findings_suppressed", "until"),
)

early: Final = Table(
    "early",
    metadata,
    # Findings that a rollup said were over before they came.
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("uid", String(64), primary_key=True),
    Column("ended", Float, nullable=False),
    Index("early_ended", "ended"),
)

certificates: Final = Table(
    "certificates",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("subject", Text, nullable=False, default=""),
    Column("issuer", Text, nullable=False, default=""),
    Column("not_before", Float),
    Column("not_after", Float),
    Column("spki_sha256", String(64), nullable=False, default=""),
    Column("ca", Boolean, nullable=False, default=False),
    Column("record", Text, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    _partial(IS_SERVER, "certificates_end", text(f"coalesce(not_after, {NEVER})"), "sha256", "not_before"),
    Index("certificates_spki", "spki_sha256"),
    _partial("ca", "certificates_authority", "subject"),
)

sightings: Final = Table(
    "sightings",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("endpoint", String(200), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Index("sightings_endpoint", "endpoint"),
    _partial("name <> ''", "sightings_name", "name", "probe_id", "sha256"),
)

traffic: Final = Table(
    "traffic",
    metadata,
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),  # seconds: an interval, 3,600 or 86,400
    Column("endpoint", String(200), primary_key=True),  # "" for the whole host
    Column("class", String(20), primary_key=True),
    Column("flows", _Big, nullable=False),
    Column("bytes", _Big, nullable=False),
    *(_partial(which, f"traffic_{name}", "start") for name, which in SPANS.items()),
)

tunnels: Final = Table(
    "tunnels",
    metadata,
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("peers", String(200), primary_key=True),  # "198.51.100.10<->192.0.2.10", as in findings
    Column("bytes", _Big, nullable=False),  # of the last record
    Column("record", Text, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Index("tunnels_last_seen", "last_seen"),
)

aside: Final = Table(
    "aside",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("received", Float, nullable=False),
    Column("topic", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("at", Float, nullable=False),
    Column("who", String(80), nullable=False),
    Column("what", Text, nullable=False),
    Column("uid", String(64), nullable=False, server_default=""),  # of the finding that was decided about
    Index("audit_uid", "uid", "id"),
)

postures: Final = Table(
    "postures",
    metadata,
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("endpoint", String(200), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("digest", String(32), primary_key=True),  # of the facts
    Column("facts", Text, nullable=False),  # protocol, versions, algorithms, as rollups tell them
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Index("postures_endpoint", "endpoint"),
    Index("postures_digest", "digest", "endpoint"),
)

clients: Final = Table(
    "clients",
    metadata,
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("endpoint", String(200), primary_key=True),
    Column("peer", String(64), primary_key=True),
    Column("class", String(20), primary_key=True),
    Column("flows", _Big, nullable=False),
    Column("bytes", _Big, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Index("clients_endpoint", "endpoint", "peer", "class", "probe_id"),
)

alerted: Final = Table(
    "alerted",
    metadata,
    Column("rule", String(80), primary_key=True),
    Column("uid", String(64), primary_key=True),
    Column("since", Float, nullable=False),
    Column("sent", Float),  # when it went into the outbox; NULL while it waits for others, or for maintenance to end
    Column("common", String(200), nullable=False, default=""),  # what it has in common with others of its message
    Index("alerted_sent", "sent"),
    Index("alerted_uid", "uid"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("key", String(64), nullable=False),  # names the message at its receiver: sent twice it is the same
    Column("rule", String(80), nullable=False),
    Column("common", String(200), nullable=False),
    Column("target", String(80), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next", Float, nullable=False),
    Column("done", Float),
    Column("failed", Text, nullable=False, default=""),  # the last reason
    Index("outbox_done_next", "done", "next"),
    Index("outbox_rule", "rule", "common", "created"),
)

# What is counted of other tables, by triggers and so in the transaction of what is counted (`counting.py`).


def _shard() -> Column[int]:
    """So that collectors do not wait for each other; what counts is the sum."""
    return Column("shard", Integer, primary_key=True, autoincrement=False)


endpoints: Final = Table(
    "endpoints",
    metadata,
    Column("endpoint", String(200), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("known", _Big, nullable=False),  # findings in whatever state
    *(Column(f"open{severity}", _Big, nullable=False) for severity in range(5)),  # open findings of each severity
    Column("ipsec", _Big, nullable=False),  # open findings of IPsec
    Column("last_seen", Float, nullable=False),  # to the minute
    Column("rank", _Big, Computed(RANK, persisted=True), nullable=False),
    Index("endpoints_rank", "rank", "endpoint"),
    _partial("ipsec > 0", "endpoints_ipsec", "rank", "endpoint"),
)

tallies: Final = Table(
    "tallies",
    metadata,
    Column("check_id", String(80), primary_key=True),
    Column("severity", Integer, primary_key=True, autoincrement=False),
    _shard(),
    Column("findings", _Big, nullable=False),  # open ones
)

hours: Final = Table(
    "hours",
    metadata,
    Column("endpoint", String(200), primary_key=True),  # "" for all that was carried
    Column("start", Integer, primary_key=True, autoincrement=False),
    Column("class", String(20), primary_key=True),
    _shard(),
    Column("flows", _Big, nullable=False),
    Column("bytes", _Big, nullable=False),
    Index("hours_start", "start"),
    _partial("class = 'ipsec'", "hours_ipsec", "start", "endpoint", "flows", "bytes"),
)

keys: Final = Table(
    "keys",
    metadata,
    Column("spki_sha256", String(64), primary_key=True),
    Column("certificates", _Big, nullable=False),  # of servers, that have it
    _partial("certificates > 1", "keys_shared", "certificates", "spki_sha256"),
)

# What is reckoned over the whole fleet from time to time (`collector/fleet`).

moduli: Final = Table(
    "moduli",
    metadata,
    Column("spki_sha256", String(64), primary_key=True),
    Column("modulus", Text, nullable=False),  # of an RSA key of a server, in hex
    Column("seen", Float, nullable=False),
    Column("compared", Boolean, nullable=False, default=False),  # with all that were there then
    Index("moduli_compared", "compared", "seen"),
)

primes: Final = Table(
    "primes",
    metadata,
    Column("spki_sha256", String(64), primary_key=True),
    Column("other", String(64), primary_key=True),  # a key whose modulus has a prime in common with the first one's
    Column("bits", Integer, nullable=False),  # of that prime
)

shares: Final = Table(
    "shares",
    metadata,
    Column("by", String(10), primary_key=True),  # site, host or service
    Column("day", Integer, primary_key=True, autoincrement=False),  # its start
    Column("key", String(260), primary_key=True),
    Column("class", String(20), primary_key=True),
    Column("flows", _Big, nullable=False),
    Column("bytes", _Big, nullable=False),
)

exposures: Final = Table(
    "exposures",
    metadata,
    Column("by", String(10), primary_key=True),
    Column("key", String(260), primary_key=True),
    Column("bytes", _Big, nullable=False),
    Column("findings", _Big, nullable=False),
    Column("last_seen", Float, nullable=False),
)
