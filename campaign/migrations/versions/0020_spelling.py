"""how names sound, so that they are found by pinyin"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Names with their pinyin; the clock fills it."""
    op.create_table(
        "spelling",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sounds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_spelling")),
    )


def downgrade() -> None:
    """Names are found by their characters alone."""
    op.drop_table("spelling")
