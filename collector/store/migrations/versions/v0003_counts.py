"""Counts that pages read instead of counting, and indexes in the order of their lists."""

import sqlalchemy as sa
from alembic import op

from collector.store import counting

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
OPEN = "workflow = 'open' AND status IN ('fail', 'warn')"
ORDER = ["severity", "last_seen", "uid", "probe_id"]
INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("findings_open", "findings", ORDER, OPEN),
    ("findings_rest", "findings", ["workflow", *ORDER], f"NOT ({OPEN})"),
    ("findings_check", "findings", ["check_id", "workflow", *ORDER], None),
    ("findings_policy", "findings", ["policy", *ORDER], f"{OPEN} AND policy <> ''"),
    ("findings_new", "findings", ["severity", "first_seen"], "severity > 0 AND status IN ('fail', 'warn')"),
    ("findings_resolved", "findings", ["severity", "changed"], "workflow = 'resolved'"),
    ("findings_suppressed", "findings", ["until"], "workflow = 'suppressed'"),
    ("certificates_end", "certificates", ["coalesce(not_after, 1e15)", "sha256"], "NOT ca"),
    ("traffic_intervals", "traffic", ["start"], "span < 3600"),
    ("traffic_hours", "traffic", ["start"], "span >= 3600 AND span < 86400"),
    ("traffic_days", "traffic", ["start"], "span >= 86400"),
    ("postures_digest", "postures", ["digest", "endpoint"], None),
    ("endpoints_rank", "endpoints", ["rank", "endpoint"], None),
    ("endpoints_ipsec", "endpoints", ["rank", "endpoint"], "ipsec > 0"),
    ("hours_start", "hours", ["start"], None),
    ("hours_ipsec", "hours", ["start", "endpoint", "flows", "bytes"], "class = 'ipsec'"),
    ("keys_shared", "keys", ["certificates", "spki_sha256"], "certificates > 1"),
)


def upgrade() -> None:
    """Reads all findings, traffic and certificates once."""
    worst = " ".join(f"WHEN open{n} > 0 THEN {n + 1}" for n in (4, 3, 2, 1, 0))
    rank = f"-(CASE {worst} ELSE 0 END) * {1 << 48} - (open0 + open1 + open2 + open3 + open4)"
    op.create_table(
        "endpoints",
        sa.Column("endpoint", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in ("known", *(f"open{n}" for n in range(5)), "ipsec")),
        sa.Column("last_seen", sa.Float, nullable=False),
        sa.Column("rank", BIG, sa.Computed(rank, persisted=True), nullable=False),
    )
    op.create_table(
        "tallies",
        sa.Column("check_id", sa.String(80), primary_key=True),
        sa.Column("severity", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("findings", BIG, nullable=False),
    )
    op.create_table(
        "hours",
        sa.Column("endpoint", sa.String(200), primary_key=True),
        sa.Column("start", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("class", sa.String(20), primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("flows", BIG, nullable=False),
        sa.Column("bytes", BIG, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("spki_sha256", sa.String(64), primary_key=True),
        sa.Column("certificates", BIG, nullable=False),
    )
    op.drop_index("findings_order", "findings")
    op.drop_index("findings_check", "findings")
    op.drop_index("certificates_not_after", "certificates")
    op.drop_index("traffic_start", "traffic")
    for name, table, columns, where in INDEXES:
        condition = None if where is None else sa.text(where)
        named = [sa.text(column) if "(" in column else column for column in columns]
        op.create_index(name, table, named, sqlite_where=condition, postgresql_where=condition)
    counting.recount(op.get_bind())
