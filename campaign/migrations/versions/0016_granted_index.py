"""the few targets that were granted on request are found by their metric, beside half a million that were not"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index of its own for what was granted."""
    granted = sa.text("request_id IS NOT NULL")
    op.create_index("ix_target_granted", "target", ["metric_id"], sqlite_where=granted, postgresql_where=granted)


def downgrade() -> None:
    """Without it."""
    op.drop_index("ix_target_granted", "target")
