"""numbers: checklists, milestones, baselines, registers, splits, targets, letters; figures rolled up"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("allocation", "allocation_total", "share", "letter", "signature", "joint")
# table, column, what it is; the same words on both databases, so that the constraints have the same names
ADDED = (
    ("assignment", "parent_id", "{id} CONSTRAINT fk_assignment_parent_id_assignment REFERENCES assignment (id)"),
    ("campaign", "compared_ground", "TEXT NOT NULL DEFAULT ''"),
    ("metric", "money_places", "SMALLINT NOT NULL DEFAULT 0"),
    ("metric", "quota", "SMALLINT NOT NULL DEFAULT 0"),
    ("metric", "register_id", "{id} CONSTRAINT fk_metric_register_id_register REFERENCES register (id)"),
    ("metric", "compares", "SMALLINT NOT NULL DEFAULT 0"),
    ("metric", "former_metric_id", "{id} CONSTRAINT fk_metric_former_metric_id_metric REFERENCES metric (id)"),
    ("metric", "parent_id", "{id} CONSTRAINT fk_metric_parent_id_metric REFERENCES metric (id)"),
    ("metric", "adds_up", "BOOLEAN NOT NULL DEFAULT {no}"),
    ("metric", "word", "VARCHAR(40) NOT NULL DEFAULT ''"),
    ("metric", "measurable", "BOOLEAN NOT NULL DEFAULT {yes}"),
)


def upgrade() -> None:
    """The tables of targets and figures, and what a metric says beside its target."""
    _tables()
    postgres = op.get_bind().dialect.name == "postgresql"
    words = {
        "id": "BIGINT" if postgres else "INTEGER",
        "no": "false" if postgres else "0",
        "yes": "true" if postgres else "1",
    }
    for table, column, kind in ADDED:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(**words)}")
    op.create_index(
        "ix_assignment_parent_id",
        "assignment",
        ["parent_id"],
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    for table in APPEND_ONLY:
        _freeze(table, postgres)


def downgrade() -> None:
    """Without the splits and the figures; what was reported stays."""
    op.drop_index("ix_assignment_parent_id", "assignment")
    for table, column, _ in reversed(ADDED):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in (
        "target",
        "signature",
        "share",
        "joint",
        "allocation_total",
        "letter",
        "figure_touch",
        "contribution",
        "allocation",
        "milestone",
        "figure_count",
        "figure",
        "checklist_item",
        "baseline",
        "register_count",
        "register",
    ):
        op.drop_table(table)


def _freeze(table: str, postgres: bool) -> None:
    """Rows stay as they were written; on PostgreSQL by the function that the log has."""
    if postgres:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _tables() -> None:
    op.create_table(
        "register",
        sa.Column("id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("unit_of_measure", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_register_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_register"),
        sa.UniqueConstraint("unit_id", "name", name="uq_register_unit_id_name"),
    )
    op.create_table(
        "register_count",
        sa.Column("register_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["register_id"], ["register.id"], name="fk_register_count_register_id_register"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_register_count_unit_id_unit"),
        sa.PrimaryKeyConstraint("register_id", "unit_id", "version", name="pk_register_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "baseline",
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("numerator", sa.BigInteger(), nullable=True),
        sa.Column("denominator", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_baseline_metric_id_metric"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_baseline_unit_id_unit"),
        sa.PrimaryKeyConstraint("metric_id", "unit_id", name="pk_baseline"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checklist_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_checklist_item_metric_id_metric"),
        sa.PrimaryKeyConstraint("id", name="pk_checklist_item"),
        sa.UniqueConstraint("metric_id", "position", name="uq_checklist_item_metric_id_position"),
    )
    op.create_table(
        "figure",
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("area_id", ID, nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("numerator", sa.BigInteger(), nullable=False),
        sa.Column("denominator", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name="fk_figure_area_id_area"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_figure_metric_id_metric"),
        sa.PrimaryKeyConstraint("metric_id", "area_id", "line", "period", "standing", name="pk_figure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figure_count",
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("area_id", ID, nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("numerator", sa.BigInteger(), nullable=False),
        sa.Column("denominator", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name="fk_figure_count_area_id_area"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_figure_count_metric_id_metric"),
        sa.PrimaryKeyConstraint("metric_id", "area_id", "line", "period", "slot", "standing", name="pk_figure_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "milestone",
        sa.Column("id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_milestone_metric_id_metric"),
        sa.PrimaryKeyConstraint("id", name="pk_milestone"),
        sa.UniqueConstraint("metric_id", "due_on", name="uq_milestone_metric_id_due_on"),
    )
    op.create_table(
        "allocation",
        sa.Column("id", ID, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("method", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_allocation_version")),
        sa.ForeignKeyConstraint(["parent_id"], ["assignment.id"], name="fk_allocation_parent_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_allocation_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_allocation_post_id_post"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_allocation_task_id_task"),
        sa.PrimaryKeyConstraint("id", name="pk_allocation"),
        sa.UniqueConstraint("parent_id", "version", name="uq_allocation_parent_id_version"),
    )
    op.create_index(
        "ix_allocation_root",
        "allocation",
        ["task_id", "period", "version"],
        unique=True,
        sqlite_where=sa.text("parent_id IS NULL"),
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index("ix_allocation_task_id", "allocation", ["task_id"])
    op.create_table(
        "contribution",
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("standing", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("numerator", sa.BigInteger(), nullable=True),
        sa.Column("denominator", sa.BigInteger(), nullable=True),
        sa.Column("met", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_contribution_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_contribution_metric_id_metric"),
        sa.PrimaryKeyConstraint("assignment_id", "metric_id", name="pk_contribution"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figure_touch",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_figure_touch_assignment_id_assignment"),
        sa.PrimaryKeyConstraint("id", name="pk_figure_touch"),
    )
    op.create_table(
        "letter",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_letter_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_letter_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_letter_post_id_post"),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint("assignment_id", "number", name="uq_letter_assignment_id_number"),
    )
    op.create_table(
        "allocation_total",
        sa.Column("allocation_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("reserve", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name="fk_allocation_total_allocation_id_allocation"
        ),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_allocation_total_metric_id_metric"),
        sa.PrimaryKeyConstraint("allocation_id", "metric_id", name="pk_allocation_total"),
    )
    op.create_table(
        "joint",
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("partner_unit_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_joint_number")),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_joint_metric_id_metric"),
        sa.ForeignKeyConstraint(["partner_unit_id"], ["unit.id"], name="fk_joint_partner_unit_id_unit"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_joint_submission_id_submission"),
        sa.PrimaryKeyConstraint("submission_id", "metric_id", "partner_unit_id", name="pk_joint"),
    )
    op.create_index("ix_joint_partner_unit_id", "joint", ["partner_unit_id"])
    op.create_table(
        "share",
        sa.Column("allocation_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name="fk_share_allocation_id_allocation"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_share_metric_id_metric"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_share_unit_id_unit"),
        sa.PrimaryKeyConstraint("allocation_id", "unit_id", "metric_id", name="pk_share"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "signature",
        sa.Column("letter_id", ID, nullable=False),
        sa.Column("party", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name="fk_signature_letter_id_letter"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_signature_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_signature_post_id_post"),
        sa.PrimaryKeyConstraint("letter_id", "party", name="pk_signature"),
    )
    op.create_table(
        "target",
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("allocation_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name="fk_target_allocation_id_allocation"),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_target_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_target_metric_id_metric"),
        sa.PrimaryKeyConstraint("assignment_id", "metric_id", name="pk_target"),
        sqlite_with_rowid=False,
    )
