"""a decision may be taken back before it was told: the same step is then decided again; how long a level had it"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A step may have several turns; which of them were taken back stands beside them, append-only as they are."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if not postgres:
        _thaw("review")  # the table is written anew there, and its triggers go with the old one
    with op.batch_alter_table("review", recreate="auto") as table:
        table.drop_constraint("uq_review_submission_id_step", type_="unique")
        table.add_column(sa.Column("turn", sa.SmallInteger(), nullable=False, server_default=sa.text("0")))
        table.add_column(sa.Column("since", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("due_at", sa.BigInteger(), nullable=True))
        table.create_unique_constraint("uq_review_submission_id_step_turn", ["submission_id", "step", "turn"])
    if not postgres:
        _freeze("review", postgres)
    op.create_table(
        "undo",
        sa.Column("review_id", ID, autoincrement=False, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name="fk_undo_review_id_review"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_undo_person_id_person"),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name="fk_undo_post_id_post"),
        sa.PrimaryKeyConstraint("review_id", name="pk_undo"),
    )
    _freeze("undo", postgres)


def downgrade() -> None:
    """Without what was taken back: those decisions are gone too."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute("ALTER TABLE review DISABLE TRIGGER review_append_only")
    else:
        _thaw("review")
    op.execute("CREATE TEMPORARY TABLE taken_back AS SELECT review_id FROM undo")
    op.drop_table("undo")
    op.execute("DELETE FROM review WHERE id IN (SELECT review_id FROM taken_back)")
    op.execute("DROP TABLE taken_back")
    with op.batch_alter_table("review", recreate="auto") as table:
        table.drop_constraint("uq_review_submission_id_step_turn", type_="unique")
        for name in ("due_at", "since", "turn"):
            table.drop_column(name)
        table.create_unique_constraint("uq_review_submission_id_step", ["submission_id", "step"])
    if postgres:
        op.execute("ALTER TABLE review ENABLE TRIGGER review_append_only")
    else:
        _freeze("review", postgres)


def _thaw(table: str) -> None:
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")


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
