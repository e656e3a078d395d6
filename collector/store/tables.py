"""The tables. Times are seconds since 1970 as floats, documents are JSON text: both engines store them alike.

Names from packets (server names, subjects) are data of attackers: they are bound as parameters and never part of a
statement.
"""

from typing import Final

from sqlalchemy import BigInteger as _BigInteger
from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

MOST_KEPT: Final = 1 << 56  # of flows and bytes in a row of traffic: sums of such rows stay numbers

metadata: Final = MetaData()
# SQLite counts rows by itself only in columns that it knows as INTEGER. Large, because PostgreSQL uses up a number for
# each upsert.
_Big: Final = _BigInteger().with_variant(Integer, "sqlite")

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
    Index("findings_order", "workflow", "severity", "last_seen"),
    Index("findings_endpoint", "endpoint"),
    Index("findings_check", "check_id"),
    Index("findings_uid", "uid"),
    Index("findings_changed", "changed"),
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
    Index("certificates_not_after", "not_after"),
    Index("certificates_spki", "spki_sha256"),
    Index("certificates_authority", "subject", sqlite_where=text("ca"), postgresql_where=text("ca")),
)

sightings: Final = Table(
    "sightings",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("probe_id", _Big, primary_key=True, autoincrement=False),
    Column("endpoint", String(200), primary_key=True),
    Column("name", String(255), nullable=False, default=""),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Index("sightings_endpoint", "endpoint"),
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
    Index("traffic_start", "span", "start"),
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
    Index("clients_endpoint", "endpoint"),
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
