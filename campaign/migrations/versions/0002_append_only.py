"""the log, and what was reported and decided, are append-only in the database itself; the system is a person"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "event", "chain_link", "submission", "review", "metric_value", "evidence", "attachment", "check_in",
)  # fmt: skip


def upgrade() -> None:
    """Triggers that refuse to change or delete; on PostgreSQL each event knows its transaction."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute("ALTER TABLE event ALTER COLUMN tx SET DEFAULT pg_current_xact_id()::text::bigint")
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        if postgres:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        else:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
    op.execute(
        sa.text(
            "INSERT INTO person (id, login, name, must_change_password, created_at) "
            "VALUES (1, '*system*', 'system', false, 0)"
        )
    )
    if postgres:
        op.execute("SELECT setval(pg_get_serial_sequence('person', 'id'), 1)")


def downgrade() -> None:
    """Takes the triggers and the system person away."""
    postgres = op.get_bind().dialect.name == "postgresql"
    op.execute("DELETE FROM person WHERE id = 1")
    for table in APPEND_ONLY:
        if postgres:
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
        else:
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(f"DROP TRIGGER {table}_no_delete")
    if postgres:
        op.execute("DROP FUNCTION refuse_change()")
        op.execute("ALTER TABLE event ALTER COLUMN tx SET DEFAULT 0")
