"""which targets were granted on request: a register that is counted again leaves those"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A target without a split under it that the latest granted dispute named is what that dispute granted.
GRANTED = """
UPDATE target SET request_id = (
    SELECT max(request.id) FROM request JOIN proposal ON proposal.request_id = request.id
    WHERE request.assignment_id = target.assignment_id AND proposal.metric_id = target.metric_id
      AND request.kind = 2 AND request.decision IN (1, 4)
) WHERE allocation_id IS NULL
"""


def upgrade() -> None:
    """Which request granted a target, where one did."""
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    foreign = "CONSTRAINT fk_target_request_id_request REFERENCES request (id)"
    op.execute(f"ALTER TABLE target ADD COLUMN request_id {kind} {foreign}")
    op.execute(GRANTED)


def downgrade() -> None:
    """Targets without where they came from."""
    op.execute("ALTER TABLE target DROP COLUMN request_id")
