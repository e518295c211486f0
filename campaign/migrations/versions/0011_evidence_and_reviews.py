"""evidence and reviews: uploads, captures, fingerprints, flags, requests, claims, re-checks, archives"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("flag", "flag_decision", "remark", "proposal", "request_evidence")
# table, column, what it is; the same words on both databases, so that the constraints have the same names
ADDED = (
    ("campaign", "extension_days", "SMALLINT NOT NULL DEFAULT 0"),
    ("campaign", "extension_most", "SMALLINT NOT NULL DEFAULT 0"),
    (
        "evidence_rule",
        "item_id",
        "{id} CONSTRAINT fk_evidence_rule_item_id_checklist_item REFERENCES checklist_item (id)",
    ),
    ("evidence_rule", "in_time", "BOOLEAN NOT NULL DEFAULT {no}"),
)


def upgrade() -> None:
    """The tables around evidence, reviews and requests."""
    _tables()
    postgres = op.get_bind().dialect.name == "postgresql"
    words = {
        "id": "BIGINT" if postgres else "INTEGER",
        "no": "false" if postgres else "0",
        "yes": "true" if postgres else "1",
    }
    for table, column, kind in ADDED:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(**words)}")
    for table in APPEND_ONLY:
        _freeze(table, postgres)


def downgrade() -> None:
    """Without what was found, asked and checked beside the versions; these stay."""
    for table, column, _ in reversed(ADDED):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for table in (
        "flag_decision",
        "upload",
        "sample_item",
        "request_evidence",
        "proposal",
        "flag",
        "capture",
        "request",
        "remark",
        "claim",
        "sample",
        "archive",
        "phrase",
        "fingerprint",
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
        "fingerprint",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bits", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("second", sa.Integer(), nullable=False),
        sa.Column("third", sa.Integer(), nullable=False),
        sa.Column("fourth", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_fingerprint"),
    )
    op.create_index("ix_fingerprint_first", "fingerprint", ["first"])
    op.create_index("ix_fingerprint_fourth", "fingerprint", ["fourth"])
    op.create_index("ix_fingerprint_second", "fingerprint", ["second"])
    op.create_index("ix_fingerprint_third", "fingerprint", ["third"])
    op.create_table(
        "phrase",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("words", sa.String(length=400), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_phrase_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_phrase"),
        sa.UniqueConstraint("person_id", "words", name="uq_phrase_person_id_words"),
    )
    op.create_table(
        "archive",
        sa.Column("id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("task_id", ID, nullable=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_archive_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_archive_post_id_post"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_archive_task_id_task"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_archive_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_archive"),
    )
    op.create_index("ix_archive_state", "archive", ["state", "asked_at"])
    op.create_table(
        "sample",
        sa.Column("id", ID, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("seed", sa.String(length=40), nullable=False),
        sa.Column("share", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("drawn_from", sa.String(length=64), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sample_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_sample_post_id_post"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_sample_task_id_task"),
        sa.PrimaryKeyConstraint("id", name="pk_sample"),
    )
    op.create_index("ix_sample_task_id", "sample", ["task_id"])
    op.create_table(
        "claim",
        sa.Column("assignment_id", ID, autoincrement=False, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_claim_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_claim_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_claim_post_id_post"),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_claim"),
    )
    op.create_table(
        "remark",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_remark_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_remark_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_remark_post_id_post"),
        sa.PrimaryKeyConstraint("id", name="pk_remark"),
    )
    op.create_index("ix_remark_assignment_id", "remark", ["assignment_id", "id"])
    op.create_table(
        "request",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("from_due_at", sa.BigInteger(), nullable=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decide_by", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("decided_post_id", ID, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_request_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="fk_request_decided_by_id_person"),
        sa.ForeignKeyConstraint(["decided_post_id"], ["post.id"], name="fk_request_decided_post_id_post"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_request_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_request_post_id_post"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_request_unit_id_unit"),
        sa.PrimaryKeyConstraint("id", name="pk_request"),
    )
    op.create_index("ix_request_assignment_id", "request", ["assignment_id"])
    op.create_index(
        "ix_request_one_pending",
        "request",
        ["assignment_id"],
        unique=True,
        sqlite_where=sa.text("decision = 0"),
        postgresql_where=sa.text("decision = 0"),
    )
    op.create_index(
        "ix_request_pending",
        "request",
        ["unit_id", "decide_by", "id"],
        sqlite_where=sa.text("decision = 0"),
        postgresql_where=sa.text("decision = 0"),
    )
    op.create_table(
        "capture",
        sa.Column("evidence_id", ID, autoincrement=False, nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("device", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_capture_evidence_id_evidence"),
        sa.PrimaryKeyConstraint("evidence_id", name="pk_capture"),
    )
    op.create_table(
        "flag",
        sa.Column("id", ID, nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("metric_id", ID, nullable=True),
        sa.Column("evidence_id", ID, nullable=True),
        sa.Column("against_submission_id", ID, nullable=True),
        sa.Column("against_evidence_id", ID, nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["against_evidence_id"], ["evidence.id"], name="fk_flag_against_evidence_id_evidence"),
        sa.ForeignKeyConstraint(
            ["against_submission_id"], ["submission.id"], name="fk_flag_against_submission_id_submission"
        ),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_flag_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_flag_evidence_id_evidence"),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_flag_metric_id_metric"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_flag_submission_id_submission"),
        sa.PrimaryKeyConstraint("id", name="pk_flag"),
        sa.UniqueConstraint("submission_id", "key", name="uq_flag_submission_id_key"),
    )
    op.create_index("ix_flag_assignment_id", "flag", ["assignment_id"])
    op.create_table(
        "proposal",
        sa.Column("request_id", ID, nullable=False),
        sa.Column("metric_id", ID, nullable=False),
        sa.Column("was", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metric.id"], name="fk_proposal_metric_id_metric"),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name="fk_proposal_request_id_request"),
        sa.PrimaryKeyConstraint("request_id", "metric_id", name="pk_proposal"),
    )
    op.create_table(
        "request_evidence",
        sa.Column("request_id", ID, nullable=False),
        sa.Column("evidence_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_request_evidence_evidence_id_evidence"),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name="fk_request_evidence_request_id_request"),
        sa.PrimaryKeyConstraint("request_id", "evidence_id", name="pk_request_evidence"),
    )
    op.create_table(
        "sample_item",
        sa.Column("sample_id", ID, nullable=False),
        sa.Column("assignment_id", ID, autoincrement=False, nullable=False),
        sa.Column("stratum_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("result", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_sample_item_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_sample_item_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_sample_item_post_id_post"),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name="fk_sample_item_sample_id_sample"),
        sa.ForeignKeyConstraint(["stratum_id"], ["area.id"], name="fk_sample_item_stratum_id_area"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_sample_item_submission_id_submission"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_sample_item_unit_id_unit"),
        sa.PrimaryKeyConstraint("sample_id", "assignment_id", name="pk_sample_item"),
    )
    op.create_index("ix_sample_item_unit_result", "sample_item", ["unit_id", "result"])
    op.create_table(
        "upload",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("assignment_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("evidence_id", ID, nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name="fk_upload_assignment_id_assignment"),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_upload_evidence_id_evidence"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_upload_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_assignment_id", "upload", ["assignment_id"])
    op.create_index("ix_upload_at", "upload", ["at"])
    op.create_table(
        "flag_decision",
        sa.Column("id", ID, nullable=False),
        sa.Column("flag_id", ID, nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name="fk_flag_decision_flag_id_flag"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_flag_decision_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_flag_decision_post_id_post"),
        sa.PrimaryKeyConstraint("id", name="pk_flag_decision"),
    )
    op.create_index("ix_flag_decision_flag_id", "flag_decision", ["flag_id"])
