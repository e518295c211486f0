"""Several questions in one trip: the same rows, types and order as one by one, on both databases."""

import pytest
from sqlalchemy import event, exists, func, select

from campaign.db import db
from campaign.models import Assignment, Metric, Person, Question, Task, Unit
from campaign.models.gathering import gathered
from campaign.rules.metrics import MetricKind
from tests import make

pytestmark = pytest.mark.usefixtures("app")


def test_what_is_gathered_is_what_each_question_answers(now):
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), title='“引号” \\ "x"\n换行', due_on=now.date())
    make.metric(task, MetricKind.AMOUNT, target="12.3456")
    for village in tree.villages:
        make.assignment(task, tree.unit(village))
    asked = [
        select(Task.title, Task.due_on, Task.due_kind, Task.why, Task.occasion_id),
        select(Metric.target, Metric.required, Metric.name, Metric.kind),
        select(Assignment.id, Assignment.due_at, exists().where(Question.assignment_id == Assignment.id))
        .order_by(Assignment.unit_id.desc())
        .limit(4),
        select(Unit.line, func.count()).group_by(Unit.line).order_by(Unit.line.desc()),
        select(Person.id).where(Person.id < 0),
    ]
    ran = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: ran.append(args[2]))
    found = gathered(*asked)
    assert len([text for text in ran if not text.startswith("BEGIN")]) == 1
    plain = [[tuple(row) for row in db.session.execute(each)] for each in asked]
    assert [[tuple(row) for row in rows] for rows in found] == plain
    assert [[type(value) for row in rows for value in row] for rows in found] == [
        [type(value) for row in rows for value in row] for rows in plain
    ]
    assert found[0][0].title == task.title
