"""From the databases of version 1, which grew columns, tables and indexes unnumbered, to one shape."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("findings_changed", "findings", ["changed"], None),
    ("certificates_authority", "certificates", ["subject"], "ca"),
    ("tunnels_last_seen", "tunnels", ["last_seen"], None),
    ("postures_endpoint", "postures", ["endpoint"], None),
    ("clients_endpoint", "clients", ["endpoint"], None),
    ("alerted_sent", "alerted", ["sent"], None),
    ("alerted_uid", "alerted", ["uid"], None),
    ("outbox_done_next", "outbox", ["done", "next"], None),
    ("outbox_rule", "outbox", ["rule", "common", "created"], None),
)


def upgrade() -> None:
    """Whatever of these is there already stays."""
    _pieces()
    for name, described in _tables().items():
        op.create_table(name, *described, if_not_exists=True)
    for name, table, columns, where in INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, if_not_exists=True, sqlite_where=condition, postgresql_where=condition)
    if op.get_bind().dialect.name == "postgresql":
        _large_numbers()
    # Collectors from before Alembic look here, and leave the database alone.
    op.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")


def _pieces() -> None:
    """Sequence numbers of envelopes that were cut into parts."""
    if any(column["name"] == "part" for column in sa.inspect(op.get_bind()).get_columns("received")):
        return
    op.rename_table("received", "received_before")
    columns = (sa.Column("stream_id", BIG), sa.Column("seq", BIG), sa.Column("part", sa.String(120)))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE received_before DROP CONSTRAINT received_pkey")
    op.create_table("received", *columns, sa.PrimaryKeyConstraint("stream_id", "seq", "part", name="received_pkey"))
    op.execute("INSERT INTO received SELECT stream_id, seq, '' FROM received_before")
    op.drop_table("received_before")


def _large_numbers() -> None:
    """Numbers of rows were small; PostgreSQL uses one up for each upsert."""
    there = sa.inspect(op.get_bind())
    for table in there.get_table_names():
        for column in there.get_columns(table):
            if column["name"] in {"id", "probe_id", "stream_id"} and not isinstance(column["type"], sa.BigInteger):
                op.alter_column(table, column["name"], type_=sa.BigInteger())
                if column["name"] == "id":
                    op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")


def _tables() -> dict[str, tuple[sa.Column[object], ...]]:
    return {
        "tunnels": (
            sa.Column("probe_id", BIG, primary_key=True, autoincrement=False),
            sa.Column("peers", sa.String(200), primary_key=True),
            sa.Column("bytes", BIG, nullable=False),
            sa.Column("record", sa.Text, nullable=False),
            sa.Column("first_seen", sa.Float, nullable=False),
            sa.Column("last_seen", sa.Float, nullable=False),
        ),
        "postures": (
            sa.Column("probe_id", BIG, primary_key=True, autoincrement=False),
            sa.Column("endpoint", sa.String(200), primary_key=True),
            sa.Column("name", sa.String(255), primary_key=True),
            sa.Column("digest", sa.String(32), primary_key=True),
            sa.Column("facts", sa.Text, nullable=False),
            sa.Column("first_seen", sa.Float, nullable=False),
            sa.Column("last_seen", sa.Float, nullable=False),
        ),
        "clients": (
            sa.Column("probe_id", BIG, primary_key=True, autoincrement=False),
            sa.Column("endpoint", sa.String(200), primary_key=True),
            sa.Column("peer", sa.String(64), primary_key=True),
            sa.Column("class", sa.String(20), primary_key=True),
            sa.Column("flows", BIG, nullable=False),
            sa.Column("bytes", BIG, nullable=False),
            sa.Column("first_seen", sa.Float, nullable=False),
            sa.Column("last_seen", sa.Float, nullable=False),
        ),
        "alerted": (
            sa.Column("rule", sa.String(80), primary_key=True),
            sa.Column("uid", sa.String(64), primary_key=True),
            sa.Column("since", sa.Float, nullable=False),
            sa.Column("sent", sa.Float),
            sa.Column("common", sa.String(200), nullable=False),
        ),
        "outbox": (
            sa.Column("id", BIG, primary_key=True),
            sa.Column("key", sa.String(64), nullable=False),
            sa.Column("rule", sa.String(80), nullable=False),
            sa.Column("common", sa.String(200), nullable=False),
            sa.Column("target", sa.String(80), nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sa.Column("created", sa.Float, nullable=False),
            sa.Column("attempts", sa.Integer, nullable=False),
            sa.Column("next", sa.Float, nullable=False),
            sa.Column("done", sa.Float),
            sa.Column("failed", sa.Text, nullable=False),
        ),
    }
