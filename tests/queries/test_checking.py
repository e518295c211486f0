"""The checks find nothing in what the verbs made, and every planted fault."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.evidence.anchor import read_heads, write_head
from campaign.models import Milestone
from campaign.models.sealing import head
from campaign.operations.issuing import dispatch
from campaign.operations.milestones import bring_milestones
from campaign.operations.reporting import Report, acknowledge, keep_evidence, submit
from campaign.operations.reviewing import approve
from campaign.operations.sealing import seal
from campaign.queries.chain import holds_head, verify_chain
from campaign.queries.checking import milestones_are_in_force
from campaign.rules.organisation import Role
from tests import make


@pytest.fixture
def store(app):
    return app.extensions["evidence"]


@pytest.fixture
def worked(app, store, now, tmp_path):
    """A task through the whole loop at one village, and dispatched to five more."""
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)))
    rule = make.evidence_rule(task)
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    note = tmp_path / "名册.txt"
    note.write_text("名册", encoding="utf-8")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    mine = db.session.execute(
        text("SELECT id FROM assignment WHERE unit_id = :unit"), {"unit": tree.unit(tree.villages[0]).id}
    ).scalar_one()
    with note.open("rb") as stream:
        stored = replace(store.put(stream, name=note.name), media_type="image/jpeg")
    with unit_of_work():
        acknowledge(mine, actor=officer, now=now, seen=1)
        evidence = keep_evidence(mine, stored, note.name, actor=officer, now=now)
        submit(mine, Report("办完了", {}, {evidence: rule.id}), actor=officer, now=now, seen=2)
    for place in (tree.townships[0], tree.county):
        with unit_of_work():
            seen = db.session.execute(text("SELECT version FROM assignment WHERE id = :id"), {"id": mine}).scalar_one()
            approve(mine, actor=tree.actor(place, Role.SUPERVISOR), now=now, seen=seen)
    with unit_of_work():
        seal()
    return mine


def test_what_the_verbs_made_holds(worked, store):
    assert find_breaches(store) == []
    assert verify_chain().links == 6


PLANTED = {
    "states": "UPDATE assignment SET state = 2 WHERE id = :id",
    "approvals": "UPDATE review SET person_id = (SELECT person_id FROM submission LIMIT 1) WHERE step = 0",
    "batches": "UPDATE batch SET items = 5",
    "timers": "DELETE FROM timer WHERE assignment_id = (SELECT max(id) FROM assignment)",
    "evidence": "UPDATE evidence SET sha256 = 'b' || substr(sha256, 2), size = 7",
    "roll-ups": "INSERT INTO tally_delta (task_id, unit_id, from_state, from_due, to_state, to_due) "
    "SELECT task_id, unit_id, 1, 0, 2, 0 FROM assignment WHERE id = :id",
}


@pytest.mark.parametrize("check", PLANTED)
def test_a_planted_fault_is_found(worked, store, check):
    sha = db.session.execute(text("SELECT sha256 FROM evidence")).scalar_one()
    assert sha[0] != "b" or check != "evidence"
    without_triggers([PLANTED[check].replace(":id", str(worked))])
    assert check in {breach.check for breach in find_breaches(store)}


def test_a_milestone_that_is_not_that_of_today_is_found(app, now):
    """Of three days the next one counts, its own day included; a metric of which nobody was asked anything is
    no matter, and after midnight the clock has ten minutes."""
    tree, day = make.small_tree(), now.astimezone(ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=5)
    tasks = [make.task(make.campaign(tree.unit(tree.county))) for _each in range(2)]
    late, _draft = metrics = [make.metric(task) for task in tasks]
    with unit_of_work() as session:
        for metric in metrics:
            for days, target in ((-1, 65), (0, 75), (30, 90)):
                session.add(Milestone(metric_id=metric.id, due_on=day.date() + timedelta(days=days), target=target))
            metric.step_target = Decimal(65)
        dispatch(tasks[0].id, actor=tree.actor(tree.county, Role.DISPATCHER), now=day - timedelta(hours=3))

    def found(at):
        return [(breach.check, breach.subject_id) for breach in milestones_are_in_force(now=at)]

    assert found(day) == []
    assert found(day + timedelta(minutes=10)) == [("milestones", late.id)]
    with unit_of_work():
        bring_milestones(now=day)
    assert found(day + timedelta(minutes=10)) == []
    assert found(day + timedelta(days=31)) == [("milestones", late.id)]
    with unit_of_work():
        bring_milestones(now=day + timedelta(days=31))
    assert found(day + timedelta(days=31)) == []
    with unit_of_work() as session:
        session.refresh(late)
        late.step_target = Decimal(65)
    assert found(day + timedelta(days=31)) == [("milestones", late.id)]


def without_triggers(statements):
    """Somebody with rights on the database itself takes the triggers away and tampers."""
    postgres = db.engine.dialect.name == "postgresql"
    with unit_of_work() as session:
        if postgres:
            session.execute(text("SET session_replication_role = replica"))
        else:
            for name in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                session.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            session.execute(text(statement))


TAMPERED = {
    "edited": ["UPDATE event SET reason = 'x' WHERE id = 2"],
    "link edited": ["UPDATE chain_link SET digest = 'x' WHERE seq = 3"],
    "link deleted": ["DELETE FROM chain_link WHERE seq = 3"],
    "swapped": [
        "UPDATE event SET at = at + 1 WHERE id = 4",
    ],
}


@pytest.mark.parametrize("how", TAMPERED)
def test_tampering_inside_the_chain_is_found(worked, how):
    without_triggers(TAMPERED[how])
    assert not verify_chain().holds


def test_a_cut_tail_and_a_chain_made_anew_are_found_by_the_head_outside(worked, now, tmp_path):
    seq, _, digest = head()
    write_head(tmp_path, seq, digest, now)
    assert holds_head(read_heads(tmp_path)[-1])
    without_triggers(["DELETE FROM chain_link WHERE seq >= 5", "DELETE FROM notice", "DELETE FROM event WHERE id >= 5"])
    assert verify_chain().holds  # the chain alone cannot tell
    assert verify_chain(read_heads(tmp_path)).bad_seq == 5
    assert not holds_head(read_heads(tmp_path)[-1])
