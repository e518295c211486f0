"""near pictures are told from the index alone: turned and mirrored ones are looked for as well"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

QUARTERS = ("first", "second", "third", "fourth")


def upgrade() -> None:
    """Each quarter with all 64 bits behind it."""
    _indexes("bits")


def downgrade() -> None:
    """Each quarter alone."""
    _indexes()


def _indexes(*more: str) -> None:
    for name in QUARTERS:
        op.drop_index(f"ix_fingerprint_{name}", "fingerprint")
        op.create_index(f"ix_fingerprint_{name}", "fingerprint", [name, *more])
