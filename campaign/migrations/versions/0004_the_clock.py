"""the clock: four dates, calendars, ladders as data, occasions, periods, questions, delegations, ways to be told"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The default ladder as it was when the clock came; later versions are rows of their own.
RUNGS = [
    {
        "number": number, "anchor": anchor, "offset": offset, "counts": counts, "tells": tells, "how": how,
        "when": "always", "at": 540,
    }
    for number, anchor, offset, counts, how, tells in (
        (1, "respond_by", -1, "working_days", "digest", ["officer"]),
        (2, "respond_by", 1, "working_days", "at_once", ["officer", "head"]),
        (3, "behind", 0, "days", "digest", ["officer"]),
        (4, "due", -3, "working_days", "digest", ["officer"]),
        (5, "due", -1, "working_days", "digest", ["in_charge", "head"]),
        (6, "due", 1, "working_days", "at_once", ["officer", "one_up"]),
        (7, "due", 4, "working_days", "at_once", ["officer", "two_up"]),
        (8, "cut_off", -1, "working_days", "digest", ["officer", "head"]),
        (9, "returned", 2, "working_days", "digest", ["officer"]),
        (10, "review_due", 0, "working_days", "digest", ["reviewer"]),
        (11, "review_due", 1, "working_days", "digest", ["reviewer", "reviewer_up"]),
    )
]  # fmt: skip

# table, column, what it is; the same words on both databases, so that the constraints have the same names
ADDED = (
    ("campaign", "ladder_key", "VARCHAR(40) NOT NULL DEFAULT ''"),
    ("task", "review_days", "SMALLINT"),
    ("task", "days", "SMALLINT NOT NULL DEFAULT 1"),
    ("task", "counts_from", "SMALLINT NOT NULL DEFAULT 1"),
    ("task", "roll", "SMALLINT NOT NULL DEFAULT 0"),
    ("task", "occasion_id", "{id} CONSTRAINT fk_task_occasion_id_occasion REFERENCES occasion (id)"),
    ("task", "ladder_key", "VARCHAR(40) NOT NULL DEFAULT ''"),
    ("task", "rrule", "VARCHAR(200) NOT NULL DEFAULT ''"),
    ("task", "repeats_from", "DATE"),
    ("task", "window_days", "SMALLINT"),
    ("task", "rotates", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("batch", "behind_at", "BIGINT"),
    ("batch", "period", "SMALLINT NOT NULL DEFAULT 0"),
    ("batch", "ladder_id", "{id} CONSTRAINT fk_batch_ladder_id_ladder REFERENCES ladder (id)"),
    ("batch", "calendar_id", "{id} CONSTRAINT fk_batch_calendar_id_calendar REFERENCES calendar (id)"),
    ("assignment", "first_due_at", "BIGINT"),
    ("assignment", "behind_at", "BIGINT"),
    ("assignment", "since", "BIGINT"),
    ("assignment", "urged_at", "BIGINT"),
    ("assignment", "suspended_at", "BIGINT"),
    ("assignment", "in_charge_id", "{id} CONSTRAINT fk_assignment_in_charge_id_person REFERENCES person (id)"),
    ("timer", "after", "BIGINT NOT NULL DEFAULT 0"),
    ("person", "digest_at", "SMALLINT"),
    ("person", "quiet_from", "SMALLINT"),
    ("person", "quiet_until", "SMALLINT"),
    ("person", "on_rest_days", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("person", "channels", "VARCHAR(60)"),
    ("person", "feed_digest", "VARCHAR(64)"),
    ("notice", "urgent", "BOOLEAN NOT NULL DEFAULT {false}"),
    ("delivery", "digest_on", "DATE"),
    ("tally_delta", "from_behind", "{id} NOT NULL DEFAULT 0"),
    ("tally_delta", "to_due", "{id} NOT NULL DEFAULT 0"),
    ("tally_delta", "to_behind", "{id} NOT NULL DEFAULT 0"),
)


def upgrade() -> None:
    """The tables of the clock, their columns elsewhere, the default calendar and the default ladder."""
    _tables()
    postgres = op.get_bind().dialect.name == "postgresql"
    words = {"id": "BIGINT" if postgres else "INTEGER", "false": "false" if postgres else "0"}
    for table, column, kind in ADDED:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(**words)}")
    op.create_index("ix_task_occasion_id", "task", ["occasion_id"])
    op.create_index("ix_person_feed_digest", "person", ["feed_digest"], unique=True)
    op.execute("ALTER TABLE tally_delta RENAME COLUMN due TO from_due")
    op.execute("UPDATE tally_delta SET to_due = from_due")
    _rekey("firing", "anchor_at", sa.BigInteger(), ["assignment_id", "rung", "anchor_at"])
    _rekey("tally", "behind", ID, ["task_id", "area_id", "line", "state", "due", "behind"])
    op.execute("INSERT INTO calendar (id, name, version) VALUES (1, '', 1)")
    op.get_bind().execute(
        sa.text(
            "INSERT INTO ladder (id, key, version, name, rungs, person_id, at) "
            "VALUES (1, 'default', 1, '', :rungs, 1, 0)"
        ),
        {"rungs": json.dumps(RUNGS, sort_keys=True, separators=(",", ":"))},
    )
    op.execute("UPDATE batch SET ladder_id = 1, calendar_id = 1")
    if postgres:
        for table in ("calendar", "ladder"):
            op.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1)")


def downgrade() -> None:
    """Without the clock's data; what was dispatched keeps its dates."""
    _rekey("tally", "behind", None, ["task_id", "area_id", "line", "state", "due"])
    _rekey("firing", "anchor_at", None, ["assignment_id", "rung"])
    op.drop_index("ix_person_feed_digest", "person")
    op.drop_index("ix_task_occasion_id", "task")
    for table, column, _ in reversed(ADDED):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.execute("ALTER TABLE tally_delta RENAME COLUMN from_due TO due")
    for table in ("delegation", "period", "suspension", "question", "occasion", "ladder", "calendar_day", "calendar"):
        op.drop_table(table)


def _tables() -> None:
    op.create_table(
        "calendar",
        sa.Column("id", ID, nullable=False),
        sa.Column("area_id", ID, nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("known_until", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name="fk_calendar_area_id_area"),
        sa.PrimaryKeyConstraint("id", name="pk_calendar"),
        sa.UniqueConstraint("area_id", name="uq_calendar_area_id"),
    )
    op.create_table(
        "calendar_day",
        sa.Column("calendar_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendar.id"], name="fk_calendar_day_calendar_id_calendar"),
        sa.PrimaryKeyConstraint("calendar_id", "day", name="pk_calendar_day"),
    )
    op.create_table(
        "ladder",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("stop_level", sa.SmallInteger(), nullable=True),
        sa.Column("rungs", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_ladder_person_id_person"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_ladder_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_ladder"),
        sa.UniqueConstraint("key", "version", name="uq_ladder_key_version"),
    )
    op.create_table(
        "delegation",
        sa.Column("id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("delegator_id", ID, nullable=False),
        sa.Column("delegate_id", ID, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("delegator_id <> delegate_id", name=op.f("ck_delegation_somebody_else")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_delegation_validity")),
        sa.ForeignKeyConstraint(["delegate_id"], ["person.id"], name="fk_delegation_delegate_id_person"),
        sa.ForeignKeyConstraint(["delegator_id"], ["person.id"], name="fk_delegation_delegator_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_delegation_post_id_post"),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
    )
    op.create_index("ix_delegation_delegate_id", "delegation", ["delegate_id"], unique=False)
    op.create_index("ix_delegation_delegator_id", "delegation", ["delegator_id"], unique=False)
    op.create_index("ix_delegation_post_id", "delegation", ["post_id"], unique=False)
    op.create_table(
        "occasion",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("happens_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name="fk_occasion_campaign_id_campaign"),
        sa.PrimaryKeyConstraint("id", name="pk_occasion"),
        sa.UniqueConstraint("campaign_id", "position", name="uq_occasion_campaign_id_position"),
    )
    op.create_table(
        "period",
        sa.Column("id", ID, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_period_batch_id_batch"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_period_task_id_task"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_period_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_period"),
        sa.UniqueConstraint("task_id", "number", name="uq_period_task_id_number"),
        sa.UniqueConstraint("task_id", "opens_on", name="uq_period_task_id_opens_on"),
    )
    op.create_table(
        "question",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_id", ID, nullable=True),
        sa.Column("answered_post_id", ID, nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by_id"], ["person.id"], name="fk_question_answered_by_id_person"),
        sa.ForeignKeyConstraint(["answered_post_id"], ["post.id"], name="fk_question_answered_post_id_post"),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_question_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_question_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_question_post_id_post"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_question_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_question"),
    )
    op.create_index("ix_question_assignment_id", "question", ["assignment_id"], unique=False)
    op.create_index(
        "ix_question_pending",
        "question",
        ["unit_id", "asked_at"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_table(
        "suspension",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("question_id", ID, nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("days", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_suspension_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name="fk_suspension_question_id_question"),
        sa.PrimaryKeyConstraint("id", name="pk_suspension"),
    )
    op.create_index("ix_suspension_assignment_id", "suspension", ["assignment_id"], unique=False)
    op.create_index(
        "ix_suspension_open",
        "suspension",
        ["assignment_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _rekey(table: str, column: str, kind: "sa.types.TypeEngine[int] | None", key: list[str]) -> None:
    """Adds a column that belongs to the key (with `kind`), or takes it out again; what is there already holds 0."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        if kind is None:
            op.drop_column(table, column)
        else:
            op.add_column(table, sa.Column(column, kind, nullable=False, server_default="0"))
            op.alter_column(table, column, server_default=None)
        op.create_primary_key(f"pk_{table}", table, key)
        return
    old = sa.Table(table, sa.MetaData(), autoload_with=op.get_bind())
    columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in old.columns if c.name != column]
    copied = ", ".join(c.name for c in columns)
    if kind is not None:
        columns.append(sa.Column(column, kind, nullable=False))
    foreign = [
        sa.ForeignKeyConstraint([f.parent.name], [f.target_fullname], name=f.constraint.name)
        for f in sorted(old.foreign_keys, key=lambda f: f.parent.name)
    ]
    op.create_table(
        f"{table}_new",
        *columns,
        *foreign,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    target = f"{copied}, {column}" if kind is not None else copied
    source = f"{copied}, 0" if kind is not None else copied
    op.execute(f"INSERT INTO {table}_new ({target}) SELECT {source} FROM {table}")
    op.drop_table(table)
    op.rename_table(f"{table}_new", table)
