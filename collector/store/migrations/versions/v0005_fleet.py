"""What is reckoned over the whole fleet: moduli that were compared, shares and exposures by site, host and service."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Empty tables: they fill by themselves."""
    op.create_table(
        "moduli",
        sa.Column("spki_sha256", sa.String(64), primary_key=True),
        sa.Column("modulus", sa.Text, nullable=False),
        sa.Column("seen", sa.Float, nullable=False),
        sa.Column("compared", sa.Boolean, nullable=False),
    )
    op.create_index("moduli_compared", "moduli", ["compared", "seen"])
    op.create_table(
        "primes",
        sa.Column("spki_sha256", sa.String(64), primary_key=True),
        sa.Column("other", sa.String(64), primary_key=True),
        sa.Column("bits", sa.Integer, nullable=False),
    )
    op.create_table(
        "shares",
        sa.Column("by", sa.String(10), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(260), primary_key=True),
        sa.Column("class", sa.String(20), primary_key=True),
        sa.Column("flows", BIG, nullable=False),
        sa.Column("bytes", BIG, nullable=False),
    )
    op.create_table(
        "exposures",
        sa.Column("by", sa.String(10), primary_key=True),
        sa.Column("key", sa.String(260), primary_key=True),
        sa.Column("bytes", BIG, nullable=False),
        sa.Column("findings", BIG, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
    )
