"""What the database must never accept: a table of bad rows, each with the constraint that refuses it."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import IntegrityError

from campaign.db import unit_of_work
from campaign.models import (
    Area,
    Assignment,
    Attachment,
    Batch,
    Campaign,
    CheckIn,
    Delivery,
    Event,
    Evidence,
    EvidenceRule,
    Firing,
    JobRun,
    Metric,
    MetricValue,
    Notice,
    Person,
    Post,
    Review,
    StateCount,
    Submission,
    Task,
    Unit,
)  # fmt: skip
from campaign.rules.jobs import RunState
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.plans import EvidenceKind
from campaign.rules.states import Action, CheckInKind, State
from campaign.rules.telling import Channel, DeliveryState
from tests import make
from tests.make import NOW, TODAY

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def known(app) -> SimpleNamespace:
    """One good thing of each kind, to be broken."""
    county = make.area("清河县", Level.COUNTY)
    village = make.area("东村", Level.VILLAGE, county)
    above, unit = make.unit(county), make.unit(village)
    officer = make.holder(unit, Role.OFFICER)
    plan = make.campaign(above, key="plan")
    task = make.task(plan, position=1)
    metric = make.metric(task)
    work = make.assignment(task, unit, State.SUBMITTED)
    with unit_of_work() as session:
        version = session.query(Submission).one()
        held = session.query(Post).filter_by(person_id=officer.id).one()
        who = {"person_id": officer.id, "post_id": held.id, "at": NOW}
        check_in = CheckIn(assignment_id=work.id, kind=CheckInKind.PROGRESS, words="", **who)
        photo = Evidence(assignment_id=work.id, sha256="a" * 64, size=9, media_type="image/png", name="门牌.png", **who)
        event = Event(at=NOW, tag="a:b:c", subject="assignment", subject_id=work.id, person_id=1)
        session.add_all([check_in, photo, event])
        session.flush()
        decision = {"assignment_id": work.id, "unit_id": above.id, "digest": "", "decision": Action.APPROVE} | who
        session.add(Review(submission_id=version.id, step=1, **decision))
        session.add(JobRun(name="remind", slot=NOW, state=RunState.DONE, started_at=NOW, worker=""))
        session.add(Firing(assignment_id=work.id, rung=1, anchor_at=NOW, at=NOW, run=1))
        notice = Notice(tag="a:b:c", event_id=event.id, person_id=officer.id, created_at=NOW)
        session.add(notice)
        session.flush()
        sending = {"person_id": officer.id, "channel": Channel.MAIL, "state": DeliveryState.WAITING}
        session.add(Delivery(notice_id=notice.id, next_try_at=NOW, **sending))
        values = {"metric_id": metric.id}
        session.add(MetricValue(submission_id=version.id, **values))
        session.add(Attachment(submission_id=version.id, evidence_id=photo.id))
    return SimpleNamespace(**{name: value for name, value in locals().items() if name != "session"})


# Each: what is refused, and how the row is made from what is known.
BAD = [
    ("interval", lambda k: Area(code="x", name="", level=Level.CITY, path="", depth=0, lft=3, rgt=2)),
    ("code", lambda k: Area(code=k.county.code, name="", level=Level.CITY, path="", depth=0, lft=1, rgt=2)),
    ("area_id", lambda k: Unit(area_id=k.county.id, line=k.above.line, level=Level.COUNTY, lft=1, name="")),
    ("superior", lambda k: Unit(area_id=k.county.id, line=Line.CARE, level=3, lft=1, name="", superior_id=9**9)),
    ("login", lambda k: Person(login=k.officer.login, name="", created_at=NOW)),
    (
        "validity",
        lambda k: Post(
            person_id=k.officer.id, unit_id=k.unit.id, role=Role.AUDITOR, valid_from=TODAY, valid_to=YESTERDAY
        ),
    ),
    (
        "post",
        lambda k: Post(person_id=k.officer.id, unit_id=k.unit.id, role=Role.OFFICER, valid_from=k.held.valid_from),
    ),
    ("key", lambda k: Campaign(key="plan", title="", issuing_unit_id=k.above.id, author_id=1, created_at=NOW)),
    (
        "period",
        lambda k: Campaign(
            title="", issuing_unit_id=k.above.id, author_id=1, created_at=NOW,
            starts_on=date(2026, 2, 1), ends_on=date(2026, 1, 31),
        ),
    ),
    ("position", lambda k: Task(campaign_id=k.plan.id, position=1, title="")),
    ("metric", lambda k: Metric(task_id=9**9, position=1, name="", kind=MetricKind.COUNT, aggregation=Aggregation.SUM)),
    ("min_count", lambda k: EvidenceRule(task_id=k.task.id, position=1, name="", kind=EvidenceKind.ANY, min_count=-1)),
    ("batch", lambda k: Batch(task_id=9**9, dispatched_at=NOW, items=0, digest="")),
    # one assignment per task, unit and period; it waits at a level exactly while it is submitted
    ("task_id", lambda k: Assignment(task_id=k.task.id, unit_id=k.unit.id, batch_id=k.work.batch_id)),
    ("waits_at_one_level", lambda k: work_of(k, state=State.SUBMITTED)),
    ("waits_at_one_level", lambda k: work_of(k, state=State.APPROVED, reviewer_unit_id=k.above.id)),
    ("version", lambda k: work_of(k, version=0)),
    ("number", lambda k: Submission(assignment_id=k.work.id, number=1, words="", chain="", digest="", **k.who)),
    ("step", lambda k: Review(submission_id=k.version.id, step=1, **k.decision)),
    ("one_owner", lambda k: MetricValue(**k.values)),
    ("one_owner", lambda k: MetricValue(submission_id=k.version.id, check_in_id=k.check_in.id, **k.values)),
    ("metric_value", lambda k: MetricValue(submission_id=k.version.id, **k.values)),
    ("one_owner", lambda k: Attachment(evidence_id=k.photo.id)),
    ("attachment", lambda k: Attachment(evidence_id=k.photo.id, submission_id=k.version.id)),
    ("size", lambda k: photo_of(k, sha256="b" * 64, size=0)),
    ("sha256", lambda k: photo_of(k, sha256="a" * 64, size=9)),
    ("slot", lambda k: JobRun(name="remind", slot=NOW, state=RunState.RUNNING, started_at=NOW, worker="other")),
    ("firing", lambda k: Firing(assignment_id=k.work.id, rung=1, anchor_at=NOW, at=NOW, run=1)),
    ("one_audience", lambda k: Notice(tag="a:b:c", event_id=k.event.id, created_at=NOW)),
    (
        "one_audience",
        lambda k: Notice(
            tag="a:b:c", event_id=k.event.id, created_at=NOW, person_id=k.officer.id, batch_id=k.work.batch_id
        ),
    ),
    ("notice", lambda k: Notice(tag="a:b:c", event_id=k.event.id, person_id=k.officer.id, created_at=NOW)),
    ("delivery", lambda k: Delivery(notice_id=k.notice.id, next_try_at=NOW, **k.sending)),
    (
        "n",
        lambda k: StateCount(
            task_id=k.task.id, area_id=k.county.id, line=Line.WOMEN, slot=NOW, state=State.APPROVED, n=-1
        ),
    ),
]  # fmt: skip


def work_of(known: SimpleNamespace, **fields) -> Assignment:
    """Another assignment of the same task, for another period."""
    return Assignment(task_id=known.task.id, unit_id=known.unit.id, batch_id=known.work.batch_id, period=9, **fields)


def photo_of(known: SimpleNamespace, **fields) -> Evidence:
    """Another photo of the same assignment."""
    return Evidence(assignment_id=known.work.id, media_type="image/png", name="门牌.png", **known.who, **fields)


@pytest.mark.parametrize(("constraint", "row"), BAD, ids=[f"{n}-{name}" for n, (name, _) in enumerate(BAD)])
def test_the_database_refuses(known, constraint, row):
    with pytest.raises(IntegrityError) as refused, unit_of_work() as session:
        session.add(row(known))
        session.flush()
    assert constraint in str(refused.value.orig).lower() or "foreign key" in str(refused.value.orig).lower()


def test_the_good_rows_are_accepted(known):
    assert known.work.state is State.SUBMITTED


def test_a_subject_of_a_row_cannot_be_taken_from_under_it(known):
    """Nothing that is referred to disappears."""
    with pytest.raises(IntegrityError), unit_of_work() as session:
        session.delete(session.get_one(Unit, known.unit.id))
