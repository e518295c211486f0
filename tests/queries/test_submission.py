"""The file of one assignment and its timeline, after a return and a second version, on both databases."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Evidence, Metric, Target, Task
from campaign.operations import issuing, reporting, reviewing
from campaign.operations.looking import look
from campaign.operations.reporting import Report
from campaign.queries import timeline
from campaign.queries.submission import check_ins, dossier
from campaign.rules.metrics import Aggregation, Comparator, MetricKind, Value
from campaign.rules.organisation import Level, Role
from campaign.rules.states import Action, CheckInKind, ReturnReason, State
from tests import make
from tests.counting import statements


class Story:
    """One assignment from dispatch to its second version, with everything that belongs to it."""

    def __init__(self, now):
        self.tree = tree = make.small_tree()
        self.now = now
        self.officer = tree.actor(tree.villages[0], Role.OFFICER)
        self.reviewer = tree.actor(tree.townships[0], Role.SUPERVISOR)
        task = make.task(make.campaign(tree.unit(tree.county)))
        self.count = make.metric(task, MetricKind.COUNT, 220, name="培训人次")
        self.rate = make.metric(task, MetricKind.RATE, 80, name="妇女参训率")
        self.rule = make.evidence_rule(task, name="现场照片", min_count=1)
        with unit_of_work():
            self.batch = issuing.dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now).batch_id
        unit_id = tree.unit(tree.villages[0]).id
        self.id = db.session.query(Assignment).filter_by(task_id=task.id, unit_id=unit_id).one().id

    def do(self, verb, actor, *args, **more):
        """One act in one unit of work, an hour after the last one; the version is the one that stands."""
        self.now += timedelta(hours=1)
        seen = {"seen": self.version} if verb is not reporting.check_in else {}
        with unit_of_work():
            verb(self.id, *args, actor=actor, now=self.now, **seen, **more)

    @property
    def version(self):
        db.session.expire_all()
        return db.session.get_one(Assignment, self.id).version

    def photo(self, name):
        post_id = self.officer.posts[0].id
        with unit_of_work() as session:
            made = Evidence(
                assignment_id=self.id, sha256=sha256(name.encode()).hexdigest(), size=9, media_type="image/jpeg",
                name=name, person_id=self.officer.person_id, post_id=post_id, at=self.now,
            )  # fmt: skip
            session.add(made)
        return made.id

    def report(self, people, women, words, *photos):
        values = {
            self.count.id: Value(number=Decimal(people)),
            self.rate.id: Value(numerator=Decimal(women), denominator=Decimal(people)),
        }
        return Report(words=words, values=values, evidence=dict.fromkeys(photos, self.rule.id))


@pytest.fixture
def story(app, now):
    told = Story(now)
    told.do(reporting.acknowledge, told.officer)
    told.do(reporting.check_in, told.officer, Report(words="办了一期", kind=CheckInKind.HELP))
    first = told.photo("合影.jpg")
    told.do(reporting.submit, told.officer, told.report(214, 180, "共214人次", first))
    with unit_of_work():
        look(told.id, 1, actor=told.reviewer, now=told.now)
    told.do(reviewing.return_for_changes, told.reviewer, reason=ReturnReason.FIGURES_WRONG, words="请核对签到册")
    told.do(reporting.submit, told.officer, told.report(196, 162, "共196人次", first, told.photo("授课.jpg")))
    return told


def test_the_file_holds_all_versions_with_figures_evidence_and_decisions(story):
    found = dossier(story.id, story.reviewer)
    assert [version.number for version in found.versions] == [1, 2]
    assert [file.name for file in found.latest.files] == ["合影.jpg", "授课.jpg"]
    assert found.latest.files[0].rule_name == "现场照片"
    (made,) = found.former.decisions
    assert (made.decision, made.reason, made.words) == (Action.RETURN, ReturnReason.FIGURES_WRONG, "请核对签到册")
    assert found.header.state is State.SUBMITTED
    assert found.header.evidence_asked == 1
    count, rate = found.figures
    assert round(count.share(found.latest.values[count.id]), 1) == Decimal("89.1")
    assert (count.met(found.latest.values[count.id]), rate.met(found.latest.values[rate.id])) == (False, True)


def test_what_is_due_by_now_is_the_milestone_in_force_without_what_was_given_to_others(story):
    below = make.unit(make.area("一组", Level.ORGANISATION, story.tree.villages[0]))
    metrics = [db.session.get_one(Metric, each.id) for each in (story.count, story.rate)]
    child = make.assignment(db.session.get_one(Task, metrics[0].task_id), below, parent_id=story.id)
    with unit_of_work():
        metrics[0].aggregation, metrics[0].step_target, metrics[1].step_target = Aggregation.SUM, Decimal(110), 90
        db.session.add(Target(assignment_id=story.id, metric_id=metrics[0].id, value=Decimal(400)))
        db.session.add(Target(assignment_id=child.id, metric_id=metrics[0].id, value=Decimal(100)))
    found = dossier(story.id, story.reviewer)
    count, rate = found.figures
    assert (count.target, count.given, count.due, rate.due) == (400, 100, 150, 90)
    values = found.latest.values
    assert (count.met(values[count.id]), rate.met(values[rate.id])) == (True, False)
    assert round(count.share(values[count.id])) == 131
    assert replace(rate, step=Decimal(70), comparator=Comparator.EQUAL).met(values[rate.id])


def test_changes_are_told_since_the_version_looked_at(story):
    found = dossier(story.id, story.reviewer)
    version, _at = found.last_look
    changes = found.changes(version)
    assert version.number == 1
    assert len(changes.values) == 2
    assert [name for _key, name in changes.added] == ["授课.jpg"]
    with unit_of_work():
        look(story.id, 2, actor=story.reviewer, now=story.now)
        look(story.id, 2, actor=story.reviewer, now=story.now + timedelta(hours=1))
    assert dossier(story.id, story.reviewer).last_look[0].number == 1


def test_outside_the_scope_there_is_no_file(story):
    stranger = story.tree.actor(story.tree.townships[1], Role.SUPERVISOR)
    assert dossier(story.id, stranger) is None


def test_check_ins_are_told_newest_first(story):
    (step,) = check_ins(dossier(story.id, story.reviewer))
    assert (step.kind, step.words) == (CheckInKind.HELP, "办了一期")


def test_the_timeline_starts_with_the_one_entry_of_the_batch(story):
    entries = timeline.of_assignment(story.id)
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    first = entries[-1]
    assert (first.tag, first.subject, first.subject_id) == ("assignment:dispatch:issue", "batch", story.batch)
    assert len(first.data["digest"]) == 64
    returned = next(entry for entry in entries if entry.tag == "assignment:review:return")
    assert returned.person_name == story.reviewer.name
    assert returned.unit_name == story.tree.unit(story.tree.townships[0]).name
    assert returned.reason == "请核对签到册"


def test_meanwhile_tells_exactly_the_moves_that_a_reader_did_not_see(story):
    last = story.version
    tags = [entry.tag for entry in timeline.meanwhile(story.id, last - 2)]
    assert tags == ["assignment:review:return", "assignment:submission:submit"]
    assert timeline.meanwhile(story.id, last) == []
    assert timeline.meanwhile(0, 1) == []


def test_any_object_has_a_timeline_in_pages(story):
    first = timeline.of_object("assignment", story.id, limit=2)
    second = timeline.of_object("assignment", story.id, before=first[-1].id)
    every = timeline.of_object("assignment", story.id)
    assert first + second == every


def test_the_number_of_statements_is_fixed(story):
    with statements() as ran:
        check_ins(dossier(story.id, story.reviewer))
        timeline.of_assignment(story.id)
    assert len(ran) == 2 + 1 + 1  # file, check-ins, history
