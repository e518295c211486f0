"""what stands still is found by an index of its own: it is little, and every board asks for it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The assignments whose clock stands still, by task."""
    op.create_index(
        "ix_assignment_suspended",
        "assignment",
        ["task_id", "unit_id"],
        sqlite_where=sa.text("suspended_at IS NOT NULL"),
        postgresql_where=sa.text("suspended_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Without it."""
    op.drop_index("ix_assignment_suspended", "assignment")
