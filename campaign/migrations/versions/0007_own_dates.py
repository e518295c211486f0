"""which assignments had their dates moved for themselves alone: occasions and calendars leave those"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody's dates were moved so far."""
    false = "false" if op.get_bind().dialect.name == "postgresql" else "0"
    op.execute(f"ALTER TABLE assignment ADD COLUMN own_dates BOOLEAN NOT NULL DEFAULT {false}")


def downgrade() -> None:
    """Dates without their story."""
    op.execute("ALTER TABLE assignment DROP COLUMN own_dates")
