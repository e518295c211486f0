"""a recurring task that was begun: from which day its rhythm counts, when its next period opens, why it was ended"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The series of recurring tasks."""
    op.create_table(
        "series",
        sa.Column("task_id", ID, autoincrement=False, nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=400), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_series_task_id_task"),
        sa.PrimaryKeyConstraint("task_id", name="pk_series"),
    )
    op.create_index("ix_series_next_on", "series", ["next_on"])


def downgrade() -> None:
    """The periods that were opened stay; no further one opens."""
    op.drop_table("series")
