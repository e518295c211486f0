"""the statutory days of China and their make-up days in everybody's calendar"""

import csv
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
FILE = Path(__file__).resolve().parents[2] / "documents" / "statutory_days.csv"


def upgrade() -> None:
    """Fills everybody's calendar from the file of the project, unless somebody has worked on it already.

    It reads the file as it is now: an installation that begins later begins with the years known by then. One that is
    there already takes further years over with `calendar seed`, which never touches what was corrected by hand.
    """
    connection = op.get_bind()
    untouched = sa.text(
        "SELECT 1 FROM calendar WHERE id = 1 AND version = 1 AND known_until IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM calendar_day WHERE calendar_id = 1)"
    )
    if connection.execute(untouched).first() is None:
        return
    with FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    days = sa.table(
        "calendar_day",
        sa.column("calendar_id", sa.BigInteger),
        sa.column("day", sa.Date),
        sa.column("works", sa.Boolean),
        sa.column("name", sa.String),
    )
    op.bulk_insert(
        days,
        [
            {
                "calendar_id": 1,
                "day": date.fromisoformat(row["day"]),
                "works": row["kind"] == "work",
                "name": row["name"],
            }
            for row in rows
        ],
    )
    last = max(date.fromisoformat(row["day"]).year for row in rows if row["published"] == "yes")
    known = sa.text("UPDATE calendar SET known_until = :day WHERE id = 1").bindparams(
        sa.bindparam("day", date(last, 12, 31), sa.Date)
    )
    connection.execute(known)


def downgrade() -> None:
    """The days stay: whoever comes back finds the calendar, and its corrections, as they were."""
