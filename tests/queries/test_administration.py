"""What administrators and auditors read, on both databases: their reach, keyset pages, statements that do not grow."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from campaign.db import db, unit_of_work
from campaign.models import Delivery, JobRun, Notice, Post
from campaign.models.parked import Which
from campaign.operations.log import record
from campaign.operations.recording import claim_slot, close_abandoned
from campaign.queries import accounts, incidents, log, organisation, runs
from campaign.queries.accounts import Filters, Standing
from campaign.rules.jobs import RunState
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.telling import Channel, DeliveryState
from tests import make
from tests.counting import statements
from tests.make import TODAY


@pytest.fixture
def tree(app):
    return make.small_tree()


def overseer(unit, role=Role.ADMINISTRATOR):
    return make.actor(make.holder(unit, role))


def test_reach_begins_at_the_outermost_areas(tree):
    person = make.holder(tree.unit(tree.townships[0]), Role.ADMINISTRATOR)
    make.post(person, tree.unit(tree.villages[0]), Role.AUDITOR)
    make.post(person, tree.unit(tree.villages[5]), Role.AUDITOR)
    make.post(person, tree.unit(tree.county), Role.OFFICER)  # oversees nothing
    names = [row.name for row in organisation.tops(make.actor(person)).rows]
    assert names == ["柳林镇", "石桥新村"]


def test_the_way_up_is_shown_but_not_open(tree):
    actor = overseer(tree.unit(tree.townships[0]))
    fact = organisation.area(tree.villages[0].id, actor, on=TODAY)
    assert [(step.name, step.open) for step in fact.way] == [("云川市", False), ("清河县", False), ("柳林镇", True)]
    assert [(unit.line, unit.superior_name, unit.posts) for unit in fact.units] == [(Line.WOMEN, "柳林镇妇联", 1)]
    assert organisation.area(tree.county.id, actor, on=TODAY) is None


def test_lists_are_paged_by_key_without_gaps(tree, monkeypatch):
    monkeypatch.setattr(organisation, "PAGE", 2)
    actor = overseer(tree.unit(tree.city, Line.PARTY))
    names, after = [], None
    while True:
        page = organisation.found("村", Level.VILLAGE, actor, after=after)
        names += [row.name for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert names == [village.name for village in tree.villages]
    assert organisation.count_found("村", None, actor) == 6


def test_special_signs_of_a_search_are_only_letters(tree):
    actor = overseer(tree.unit(tree.city, Line.PARTY))
    for text in ("%", "_", "\\", "' OR 1=1 --"):
        assert organisation.found(text, None, actor).rows == ()
        assert accounts.people(actor, Filters(text=text), on=TODAY).rows == ()


def test_an_export_gives_each_area_once_with_all_lines_in_reach(tree):
    rows = list(organisation.exported(overseer(tree.unit(tree.city, Line.PARTY)), below=tree.townships[0].id))
    assert [row.name for row in rows] == ["柳林镇", "柳林东村", "柳林西村", "柳林新村"]
    assert rows[0].lines == (Line.PARTY, Line.UNION, Line.WOMEN)
    assert rows[1].parent_code == tree.townships[0].code
    own_line = list(organisation.exported(overseer(tree.unit(tree.townships[0]))))
    assert {row.lines for row in own_line} == {(Line.WOMEN,)}


def test_people_are_those_with_a_post_in_reach_or_without_any(tree):
    actor = overseer(tree.unit(tree.townships[0]))
    nobody = make.person(login="zz-nobody")
    outside = make.holder(tree.unit(tree.villages[5]), Role.OFFICER)
    found = {row.id for row in accounts.people(actor, Filters(), on=TODAY).rows}
    assert nobody.id in found
    assert tree.holder(tree.villages[0], Role.OFFICER).id in found
    assert tree.holder(tree.villages[0], Role.OFFICER, Line.UNION).id not in found
    assert outside.id not in found
    assert 1 not in found  # the system is nobody's
    assert accounts.person(outside.id, actor, on=TODAY) is None
    left = make.holder(tree.unit(tree.villages[1]), Role.OFFICER)
    db.session.execute(update(Post).where(Post.person_id == left.id).values(valid_to=TODAY - timedelta(days=1)))
    assert accounts.person(left.id, actor, on=TODAY) is not None, "nobody else looks after who has no post"
    make.post(left, tree.unit(tree.villages[5]), Role.OFFICER)
    assert accounts.person(left.id, actor, on=TODAY) is None, "who has moved away is no longer shown here"


def test_filters_of_people_hold(tree, now):
    actor = overseer(tree.unit(tree.city, Line.PARTY))
    closed = make.person(login="closed", disabled_at=now)
    first = make.person(login="first", must_change_password=True)

    def logins(**filters):
        return {row.login for row in accounts.people(actor, Filters(**filters), on=TODAY).rows}

    assert logins(standing=Standing.DISABLED) == {closed.login}
    assert logins(standing=Standing.FIRST_PASSWORD) == {first.login}
    assert {closed.login, first.login} <= logins(standing=Standing.NO_POST)
    assert len(logins(role=Role.DISPATCHER)) == 3
    assert logins(role=Role.DISPATCHER, line=Line.UNION) == {
        tree.holder(tree.county, Role.DISPATCHER, Line.UNION).login
    }
    assert len(logins(unit_id=tree.unit(tree.county).id)) == 2
    assert len(list(accounts.everybody(actor, Filters(), on=TODAY))) == accounts.count_people(
        actor, Filters(), on=TODAY
    )


def test_runs_and_jobs_tell_of_failures(app, now):
    with unit_of_work() as session:
        for minute, failed in enumerate((0, 2, 0)):
            at = now - timedelta(minutes=minute)
            session.add(JobRun(name="deliver", slot=at, state=RunState.DONE, started_at=at, finished_at=at, worker="w",
                               failed=failed))  # fmt: skip
    assert [(fact.name, fact.runs, fact.failed) for fact in runs.jobs(now)] == [("deliver", 3, 1)]
    every = runs.Filters(name="deliver", idle=True)
    assert [run.failed for run in runs.runs(runs.Filters(failed=True), now=now).rows] == [2]
    assert len(runs.runs(every, now=now).rows) == 3
    assert runs.runs(runs.Filters(name="other", idle=True), now=now).rows == ()
    oldest = runs.runs(runs.Filters(idle=True, oldest=True), now=now).rows
    assert oldest == runs.runs(every, now=now).rows[::-1] == tuple(runs.everything(every, now=now))[::-1]
    assert runs.runs(runs.Filters(idle=True, oldest=True), now=now, after=oldest[0].id).rows == oldest[1:]


def test_a_run_that_never_ended_is_told_from_one_under_way(app, now):
    """At once by its age; for good when the house is tidied."""
    ages = {"fold": timedelta(minutes=14), "remind": timedelta(minutes=16)}
    with unit_of_work():
        for name, age in ages.items():
            claim_slot(name, now - age, worker="w:1", now=now - age)

    def standing():
        return {run.name: run.state for run in runs.runs(runs.Filters(idle=True), now=now).rows}

    expected = {"fold": RunState.RUNNING, "remind": RunState.ABANDONED}
    assert standing() == expected
    in_state = {state: runs.Filters(state=state) for state in (RunState.ABANDONED, RunState.RUNNING)}
    assert [run.name for run in runs.runs(in_state[RunState.ABANDONED], now=now).rows] == ["remind"]
    assert [run.name for run in runs.runs(in_state[RunState.RUNNING], now=now).rows] == ["fold"]
    assert [(fact.name, fact.failed) for fact in runs.jobs(now)] == [("fold", 0), ("remind", 1)]
    with unit_of_work():
        assert close_abandoned(now=now) == 1
    assert standing() == expected
    earlier = now - timedelta(hours=9)
    assert [run.name for run in runs.runs(in_state[RunState.ABANDONED], now=earlier).rows] == ["remind"]


def test_parked_deliveries_are_those_of_people_in_reach(tree, now):
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    with unit_of_work() as session:
        number = record(tag="person:session:sign-in", subject="person", subject_id=officer.id, actor=SYSTEM, now=now)
        notice = Notice(tag="assignment:clock:remind", event_id=number, person_id=officer.id, created_at=now)
        session.add(notice)
        session.flush()
        session.add(Delivery(notice_id=notice.id, person_id=officer.id, channel=Channel.MAIL, next_try_at=now,
                             state=DeliveryState.PARKED))  # fmt: skip
    near, far = (overseer(tree.unit(township)) for township in tree.townships)
    rows = incidents.letters(near, Which(), on=TODAY).rows
    assert len(rows) == 1 == incidents.count(near, on=TODAY)
    assert tuple(incidents.everything(near, Which(), on=TODAY)) == rows
    assert incidents.letters(near, Which(), on=TODAY, oldest=True, after=rows[0].id).rows == ()
    assert incidents.letters(far, Which(), on=TODAY).rows == () == incidents.causes(far, Which(), on=TODAY)
    assert incidents.count(far, on=TODAY) == 0


def test_the_log_is_read_within_reach(tree, now):
    task = make.task(make.campaign(tree.unit(tree.county)))
    inside, outside = (make.assignment(task, tree.unit(tree.villages[number])) for number in (0, 5))
    with unit_of_work():
        for made in (inside, outside):
            record(
                tag="assignment:sign-for:acknowledge", subject="assignment", subject_id=made.id, actor=SYSTEM, now=now
            )
        record(tag="campaign:issuer:issue", subject="campaign", subject_id=task.campaign_id, actor=SYSTEM, now=now,
               data={"tasks": 1})  # fmt: skip

    def numbers(actor, **filters):
        return [row.subject_id for row in log.listing(actor, log.Filters(**filters), on=TODAY).rows]

    everywhere = overseer(tree.unit(tree.city, Line.PARTY), Role.AUDITOR)
    assert numbers(everywhere, subject="assignment") == [outside.id, inside.id]
    assert numbers(everywhere, tag="campaign:issuer:issue") == [task.campaign_id]
    assert numbers(everywhere, subject="assignment", subject_id=inside.id) == [inside.id]
    assert numbers(everywhere, since=now + timedelta(seconds=1)) == []
    narrow = overseer(tree.unit(tree.townships[0]))
    assert numbers(narrow, subject="assignment") == [inside.id]
    assert [entry.subject_id for entry in log.everything(narrow, log.Filters(subject="assignment"), on=TODAY)] == [
        inside.id
    ]


def test_statements_do_not_grow_with_the_rows(tree):
    actor = overseer(tree.unit(tree.city, Line.PARTY))
    counts = []
    for _ in range(2):
        with statements() as seen:
            organisation.found("村", None, actor)
            list(organisation.exported(actor))
            accounts.people(actor, Filters(), on=TODAY)
            log.listing(actor, log.Filters(), on=TODAY)
        counts.append(sum(text.startswith("SELECT") for text in seen))
        for number in range(20):
            make.holder(make.unit(make.area(f"{number}村", Level.VILLAGE, tree.townships[0])))
    assert counts[0] == counts[1]
