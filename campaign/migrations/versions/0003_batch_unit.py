"""the units of a batch are read from its index alone, in their order: for the digest, the messages and the roll-up"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The index of the batch carries the unit too."""
    op.create_index("ix_assignment_batch_unit", "assignment", ["batch_id", "unit_id"])
    op.drop_index("ix_assignment_batch_id", "assignment")


def downgrade() -> None:
    """The index of the batch alone."""
    op.create_index("ix_assignment_batch_id", "assignment", ["batch_id"])
    op.drop_index("ix_assignment_batch_unit", "assignment")
