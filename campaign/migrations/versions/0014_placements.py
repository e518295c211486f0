"""where areas stood before a move, who follows one that ended; what a figure credits to a partner of another line"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SUMS = ("number", "numerator", "denominator")


def upgrade() -> None:
    """The former places of areas, and what a figure credits to others."""
    op.create_table(
        "placement",
        sa.Column("area_id", ID, autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name="fk_placement_area_id_area"),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name="fk_placement_parent_id_area"),
        sa.PrimaryKeyConstraint("area_id", "until", name="pk_placement"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_placement_parent_id", "placement", ["parent_id"])
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    op.execute(
        f"ALTER TABLE area ADD COLUMN successor_id {kind} CONSTRAINT fk_area_successor_id_area REFERENCES area (id)"
    )
    for table in ("figure", "figure_count"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN credited BIGINT NOT NULL DEFAULT 0")
    op.drop_table("contribution")  # what it keeps is counted again from what was reported
    op.create_table(
        "contribution",
        *_key("assignment", "metric", "unit"),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("met", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*SUMS, "credited")),
        sa.PrimaryKeyConstraint("assignment_id", "metric_id", "unit_id", name="pk_contribution"),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM figure")


def downgrade() -> None:
    """Without them; figures are counted again."""
    op.drop_table("contribution")
    op.create_table(
        "contribution",
        *_key("assignment", "metric"),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in SUMS),
        sa.Column("met", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", "metric_id", name="pk_contribution"),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM figure")
    for table in ("figure_count", "figure"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN credited")
    op.execute("ALTER TABLE area DROP COLUMN successor_id")
    op.drop_table("placement")


def _key(*tables: str) -> list[sa.Column[int] | sa.ForeignKeyConstraint]:
    columns = [sa.Column(f"{table}_id", ID, autoincrement=False, nullable=False) for table in tables]
    return [
        *columns,
        *(
            sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"], name=f"fk_contribution_{table}_id_{table}")
            for table in tables
        ),
    ]
