"""the milestone in force at each metric, so that units are counted against it"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NEXT = """
UPDATE metric SET step_target = (
    SELECT milestone.target FROM milestone
    WHERE milestone.metric_id = metric.id AND milestone.due_on >= CURRENT_DATE ORDER BY milestone.due_on LIMIT 1
)
"""
# Whoever has reported such a figure is counted again by the next fold.
AGAIN = """
INSERT INTO figure_touch (assignment_id)
SELECT DISTINCT contribution.assignment_id FROM contribution JOIN metric ON metric.id = contribution.metric_id
WHERE metric.step_target IS NOT NULL
"""
EVERY = """
INSERT INTO figure_touch (assignment_id)
SELECT DISTINCT contribution.assignment_id FROM contribution JOIN metric ON metric.id = contribution.metric_id
WHERE EXISTS (SELECT 1 FROM milestone WHERE milestone.metric_id = metric.id)
"""


def upgrade() -> None:
    """What must be reached by now."""
    op.execute("ALTER TABLE metric ADD COLUMN step_target BIGINT")
    op.execute(NEXT)
    op.execute(AGAIN)


def downgrade() -> None:
    """Against the target in the end, as before."""
    op.execute(EVERY)
    op.execute("ALTER TABLE metric DROP COLUMN step_target")
