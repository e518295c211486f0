"""targets that are said relative to what was: by how much, and the figure of then"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Ten per cent more than last year."""
    op.execute("ALTER TABLE metric ADD COLUMN relative SMALLINT DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE metric ADD COLUMN change BIGINT")
    op.execute("ALTER TABLE metric ADD COLUMN base BIGINT")


def downgrade() -> None:
    """Targets are figures."""
    for column in ("relative", "change", "base"):
        op.execute(f"ALTER TABLE metric DROP COLUMN {column}")
