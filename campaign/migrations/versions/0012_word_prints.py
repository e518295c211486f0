"""what words look like from afar, and what a person has sent today"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One table, and the indexes by person."""
    op.create_table(
        "word_print",
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("submission_id", ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_word_print_submission_id_submission"),
        sa.PrimaryKeyConstraint("value", "submission_id", name="pk_word_print"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_upload_person_id", "upload", ["person_id", "begun_at"])
    op.create_index("ix_evidence_person_id", "evidence", ["person_id", "at"])


def downgrade() -> None:
    """What upgrade made."""
    op.drop_index("ix_evidence_person_id", "evidence")
    op.drop_index("ix_upload_person_id", "upload")
    op.drop_table("word_print")
