"""When what was said: so that what comes late or early changes nothing that is newer."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Whatever is said next is newer than what is there."""
    op.add_column("probes", sa.Column("told", sa.Float, nullable=False, server_default="0"))
    op.add_column("probes", sa.Column("health_told", sa.Float, nullable=False, server_default="0"))
    op.add_column("findings", sa.Column("ended", sa.Float))
    op.create_table(
        "early",
        sa.Column("probe_id", BIG, primary_key=True, autoincrement=False),
        sa.Column("uid", sa.String(64), primary_key=True),
        sa.Column("ended", sa.Float, nullable=False),
    )
    op.create_index("early_ended", "early", ["ended"])
