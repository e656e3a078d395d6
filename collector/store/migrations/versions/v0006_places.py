"""Certificates by place and name, decisions by finding, and indexes in the order of what reads whole tables."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
ORDER = ["severity", "last_seen", "uid", "probe_id"]


def upgrade() -> None:
    """Copies the sightings once in SQLite, and reads them once in PostgreSQL; no other large table is copied."""
    _names()
    op.add_column("audit", sa.Column("uid", sa.String(64), nullable=False, server_default=""))
    op.execute(f"UPDATE audit SET uid = {_second_word('what')}")  # noqa: S608 - a name of our own
    op.create_index("audit_uid", "audit", ["uid", "id"])
    op.drop_index("findings_policy", "findings")
    _partial("findings_policy", "findings", ["policy", "workflow", *ORDER], "policy <> ''")
    op.drop_index("certificates_end", "certificates")
    ends = [sa.text("coalesce(not_after, 1e15)"), "sha256", "not_before"]
    _partial("certificates_end", "certificates", ends, "NOT ca")
    op.drop_index("clients_endpoint", "clients")
    op.create_index("clients_endpoint", "clients", ["endpoint", "peer", "class", "probe_id"])


def _names() -> None:
    """The name becomes a part of the key of a sighting."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE sightings DROP CONSTRAINT sightings_pkey, ADD PRIMARY KEY (sha256, probe_id, endpoint, name)"
        )
    else:
        op.rename_table("sightings", "sightings_before")
        op.create_table(
            "sightings",
            sa.Column("sha256", sa.String(64), primary_key=True),
            sa.Column("probe_id", BIG, primary_key=True, autoincrement=False),
            sa.Column("endpoint", sa.String(200), primary_key=True),
            sa.Column("name", sa.String(255), primary_key=True),
            sa.Column("first_seen", sa.Float, nullable=False),
            sa.Column("last_seen", sa.Float, nullable=False),
        )
        # In the order of the key, so that its index is written from one end to the other.
        op.execute(
            "INSERT INTO sightings (sha256, probe_id, endpoint, name, first_seen, last_seen) "
            "SELECT sha256, probe_id, endpoint, name, first_seen, last_seen FROM sightings_before "
            "ORDER BY sha256, probe_id, endpoint"
        )
        op.drop_table("sightings_before")
        op.create_index("sightings_endpoint", "sightings", ["endpoint"])
    _partial("sightings_name", "sightings", ["name", "probe_id", "sha256"], "name <> ''")


def _partial(name: str, table: str, columns: list[object], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)  # type: ignore[arg-type]


def _second_word(column: str) -> str:
    """Decisions were kept as text alone: the new state, the uid of the finding, the note."""
    if op.get_bind().dialect.name == "postgresql":
        return f"left(split_part({column}, ' ', 2), 64)"
    behind = f"substr({column}, instr({column}, ' ') + 1)"
    return f"substr({behind}, 1, min(64, instr({behind} || ' ', ' ') - 1))"
