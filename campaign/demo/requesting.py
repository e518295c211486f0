"""What units of the demonstration ask of those above them, what is decided on it, and what is said around a review."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select

from ..clock import local_today
from ..db import db
from ..models import Area, Assignment, Campaign, Request, Task, Unit
from ..models.drawing import draw
from ..models.facts import Standing, facts_of
from ..models.goals import goals_of
from ..operations.deciding import Ruling, decide
from ..operations.rechecks import draw_sample
from ..operations.remarking import remark
from ..operations.reporting import acknowledge
from ..operations.requests import Wish, ask
from ..rules.organisation import Actor, Level, Line, Role
from ..rules.requests import Decision, RequestKind
from ..rules.states import WITH_OFFICER, State
from .acting import Theatre

LONGER = timedelta(days=7)
SEED, SHARE = "2026-11", 20


def ask_not_to_be_asked(theatre: Theatre, now: datetime) -> None:
    """A village that has nobody whom the task concerns asks to be left out."""
    _ask(
        theatre,
        now,
        RequestKind.NOT_APPLICABLE,
        "我村为整体搬迁村，户籍人口已全部并入安置社区，本任务无服务对象。",
        "C003",
    )


def ask_for_more_time(theatre: Theatre, now: datetime) -> None:
    """Another asks for a week more."""
    _ask(
        theatre,
        now,
        RequestKind.EXTENSION,
        "两名骨干在县里参加统计培训，周末才能回村，恳请宽限一周。",
        "C002-10",
        "C003",
    )


def dispute_a_target(theatre: Theatre, now: datetime) -> None:
    """A unit that was handed too much proposes another target before it begins."""
    for facts in _found("C000", Assignment.state == State.ISSUED, Assignment.parent_id.is_not(None)):
        goals = [goal for goal in goals_of([facts.id])[facts.id].values() if goal.own and goal.target]
        officer = theatre.holder(facts.unit_id, Role.OFFICER, now)
        large = [goal for goal in goals if (goal.target or 0) >= 4]
        if officer is None or not large:
            continue
        goal = large[0]
        proposed = ((goal.target or Decimal(0)) * 3 / 4).to_integral_value()
        reason = "我镇去年同口径只完成不到一半，今年基数没有增加，建议按去年实绩加两成核定。"
        wish = Wish(RequestKind.DISPUTE, reason, targets={goal.metric_id: proposed})
        ask(facts.id, wish, actor=officer, now=now, seen=facts.version)
        return


def decide_all(theatre: Theatre, now: datetime) -> None:
    """Whoever is asked decides on what waits: it is granted."""
    waiting = select(Request).where(Request.decision == Decision.PENDING).order_by(Request.id)
    for request in db.session.scalars(waiting).all():
        judge = theatre.holder(request.unit_id, Role.SUPERVISOR, now) or theatre.holder(
            request.unit_id, Role.DISPATCHER, now
        )
        if judge is not None:
            decide(request.id, Ruling(True, "情况属实，同意。"), actor=judge, now=now)


def talk(theatre: Theatre, now: datetime) -> None:
    """A reviewer asks beside the submission, and the officer answers."""
    for facts in _found("C003", Assignment.state == State.SUBMITTED):
        judge = theatre.holder(facts.reviewer_unit_id, Role.SUPERVISOR, now, (facts.submitter_id,))
        officer = theatre.holder(facts.unit_id, Role.OFFICER, now)
        if judge is not None and officer is not None:
            remark(facts.id, "签到表是复印件吗？原件请留存备查。", actor=judge, now=now - timedelta(hours=3))
            remark(facts.id, "是复印件，原件在村委会档案柜，随时可查。", actor=officer, now=now)
            return


def draw_a_sample(theatre: Theatre, now: datetime) -> None:
    """The city's women's federation has some of what was approved checked again, on the spot, by others."""
    done = Assignment.state == State.APPROVED
    found = select(Assignment.task_id).join(Task).join(Campaign).where(Campaign.key == "C003", done)
    found = found.group_by(Assignment.task_id).order_by(func.count().desc(), Assignment.task_id)
    task_id = db.session.scalars(found).first()
    issuer = theatre.holder(_unit("990100000000", Line.WOMEN), Role.DISPATCHER, now)
    if task_id is None or issuer is None:
        return
    previewed = draw(task_id, Level.COUNTY, SHARE, SEED, at=now)
    draw_sample(
        task_id, actor=issuer, now=now, level=Level.COUNTY, share=SHARE, seed=SEED, previewed=previewed.digest,
        reason="年度抽查，按区县分层随机抽取。", drawn_at=now,
    )  # fmt: skip


def _ask(theatre: Theatre, now: datetime, kind: RequestKind, reason: str, *keys: str) -> None:
    for key in keys:
        dated = Assignment.due_at > now + timedelta(days=1)
        for facts in _found(key, Assignment.state.in_(WITH_OFFICER), dated):
            officer = theatre.holder(facts.unit_id, Role.OFFICER, now)
            if officer is not None:
                _ask_of(theatre, facts, officer, kind, reason, now)
                return


def _ask_of(theatre: Theatre, facts: Standing, officer: Actor, kind: RequestKind, reason: str, now: datetime) -> None:
    if facts.state is State.ISSUED:
        acknowledge(facts.id, actor=officer, now=now - timedelta(minutes=6), seen=facts.version)
    assert facts.due_at is not None
    due_on = local_today(facts.due_at + LONGER) if kind is RequestKind.EXTENSION else None
    stands = facts_of(facts.id)
    assert stands is not None
    ask(facts.id, Wish(kind, reason, due_on=due_on), actor=officer, now=now, seen=stands.version)


def _found(key: str, *clauses: ColumnElement[bool]) -> list[Standing]:
    """Assignments of that campaign that nobody is to take in hand before, the last units first."""
    rows = (
        select(Assignment.id).join(Task, Task.id == Assignment.task_id).join(Campaign, Campaign.id == Task.campaign_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Campaign.key == key, Task.rrule == "", Assignment.suspended_at.is_(None), *clauses)
        .order_by(Unit.lft.desc(), Assignment.id).limit(20)
    )  # fmt: skip
    return [facts for id in db.session.scalars(rows).all() if (facts := facts_of(id)) is not None]


def _unit(area: str, line: Line) -> int:
    found = select(Unit.id).join(Area, Area.id == Unit.area_id).where(Area.code == area, Unit.line == line)
    return db.session.execute(found).scalar_one()
