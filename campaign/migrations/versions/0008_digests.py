"""digests: what waits is found by its time and by its person and day, what was sent and parked by when"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
ADDED = (
    ("ix_delivery_at_once", ["next_try_at"], "state = 1 AND digest_on IS NULL"),
    ("ix_delivery_digest", ["next_try_at"], "state = 1 AND digest_on IS NOT NULL"),
    ("ix_delivery_person_day", ["person_id", "digest_on"], "digest_on IS NOT NULL"),
    ("ix_delivery_under_way", ["channel", "next_try_at"], "state = 1 AND tries > 0"),
    ("ix_delivery_sent", ["channel", "sent_at"], "sent_at IS NOT NULL"),
    ("ix_delivery_parked", ["next_try_at"], "state = 3"),
)


def upgrade() -> None:
    """One index for each question; the one of everything that waits goes."""
    for name, columns, where in ADDED:
        _index(name, columns, where)
    op.drop_index("ix_delivery_next", "delivery")


def downgrade() -> None:
    """One index of everything that waits."""
    _index("ix_delivery_next", ["next_try_at"], "state = 1")
    for name, _, _ in ADDED:
        op.drop_index(name, "delivery")


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "delivery", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
