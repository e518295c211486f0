"""What happens once in the demonstration, each on its day: a congress is put off, somebody goes on leave, asks, leaves.

Every scene is played through the product's own operations by the invented people; one that finds nobody is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select

from ..clock import local_today
from ..db import db
from ..models import Area, Assignment, Campaign, Occasion, Post, Question, Task, Unit
from ..models.facts import facts_of
from ..models.organisation import holds_on
from ..operations.delegation import Wish, name_stand_in
from ..operations.handover import Handing, hand_over
from ..operations.ladders import LadderPlan, create_ladder
from ..operations.occasions import move_occasion
from ..operations.people import end_post
from ..operations.questions import answer, ask
from ..operations.reporting import acknowledge
from ..operations.urging import urge
from ..rules.ladder import Anchor, Counts, How, Rung, Teller
from ..rules.organisation import Level, Line, Role
from ..rules.states import WITH_OFFICER, State
from .acting import Theatre, at_work
from .handing_down import hand_down_to_towns, hand_down_to_villages
from .requesting import ask_for_more_time, ask_not_to_be_asked, decide_all, dispute_a_target, draw_a_sample, talk

CITY, COUNTY, TOWN, OTHER_TOWN = "990100000000", "990101000000", "990101001000", "990101002000"
ASKING, ANSWERED, VACANT = "990101001204", "990101001202", "990101001203"  # villages of the town
ASKED = "C002-10-07"  # the task that these two ask about; they do nothing else with it
POSTPONED_BY = timedelta(days=4)
AWAY_DAYS = timedelta(days=10)
URGED = 12
# The women's federation of the city is stricter than the default: it tells the head a day before, and one level up at
# once on the first morning after.
LADDER = "fulian-jincui"
RUNGS = (
    Rung(1, Anchor.RESPOND_BY, 0, (Teller.OFFICER,)),
    Rung(2, Anchor.RESPOND_BY, 1, (Teller.OFFICER, Teller.HEAD), how=How.AT_ONCE),
    Rung(3, Anchor.DUE, -2, (Teller.OFFICER, Teller.IN_CHARGE)),
    Rung(4, Anchor.DUE, -1, (Teller.HEAD,)),
    Rung(5, Anchor.DUE, -4, (Teller.IN_CHARGE,), Counts.HOURS, How.AT_ONCE),
    Rung(6, Anchor.DUE, 1, (Teller.OFFICER, Teller.ONE_UP), how=How.AT_ONCE),
    Rung(7, Anchor.RETURNED, 1, (Teller.OFFICER,)),
    Rung(8, Anchor.REVIEW_DUE, 0, (Teller.REVIEWER,)),
    Rung(9, Anchor.REVIEW_DUE, 2, (Teller.REVIEWER, Teller.REVIEWER_UP)),
)


@dataclass(frozen=True)
class Scene:
    """What happens at that instant."""

    at: datetime
    act: Callable[[Theatre, datetime], None]


def scenes(theatre: Theatre, now: datetime) -> list[Scene]:
    """All of them, in their order, so many days before now and in working hours."""
    days = (
        (15, hand_down_to_towns), (13.5, hand_down_to_villages), (11, _ask_about_a_signature),
        (9, ask_not_to_be_asked), (8.8, ask_for_more_time), (8, _answer), (7, decide_all),
        (6, _put_the_congress_off), (4, _go_on_leave), (3, _leave_a_post_vacant), (2.5, _ask_about_numbers),
        (2, _hand_over), (1.5, dispute_a_target), (1.3, ask_for_more_time), (1.2, ask_not_to_be_asked), (1, _urge),
        (0.8, draw_a_sample), (0.6, talk),
    )  # fmt: skip
    return sorted(
        (Scene(min(now, at_work(now - timedelta(days=ago), theatre.chance)), act) for ago, act in days),
        key=lambda scene: scene.at,
    )


def unit_id(area: str, line: Line | None) -> int:
    """The unit of that line in the area with that code."""
    found = select(Unit.id).join(Area, Area.id == Unit.area_id).where(Area.code == area, Unit.line == line)
    return db.session.execute(found).scalar_one()


def write_ladder(theatre: Theatre, now: datetime) -> None:
    """The city's women's federation writes a ladder of its own."""
    unit = unit_id(CITY, Line.WOMEN)
    writer = theatre.holder(unit, Role.DISPATCHER, now)
    if writer is not None:
        plan = LadderPlan("妇联紧催", RUNGS, Level.COUNTY, "活动时间紧，逾期次日即告知上一级。")
        create_ladder(plan, key=LADDER, unit_id=unit, actor=writer, now=now)


def _put_the_congress_off(theatre: Theatre, now: datetime) -> None:
    held = db.session.scalars(select(Occasion).join(Campaign).where(Campaign.key == "C000")).first()
    dispatcher = theatre.holder(unit_id(CITY, Line.PARTY), Role.DISPATCHER, now)
    if held is not None and held.happens_on is not None and dispatcher is not None:
        on, reason = held.happens_on + POSTPONED_BY, "市委通知：党代会推迟四天召开，各项任务时限相应顺延。"
        move_occasion(held.id, on, reason, actor=dispatcher, now=now, seen=held.version)


def _ask_about_a_signature(theatre: Theatre, now: datetime) -> None:
    _ask(theatre, now, ANSWERED, "推荐人选在外务工，推荐表可否由家属代签？请答复口径。")


def _ask_about_numbers(theatre: Theatre, now: datetime) -> None:
    _ask(theatre, now, ASKING, "推荐名额每村一名，我村有两名条件相当，可否都报？")


def _ask(theatre: Theatre, now: datetime, village: str, words: str) -> None:
    """The officer of a village asks the federation of the town about work that is due in some days."""
    in_hand = Assignment.state.in_((State.ISSUED, State.ACKNOWLEDGED))
    for id in _of_the_town("C002-10", village, in_hand, Task.key == ASKED):
        facts = facts_of(id)
        officer = facts and theatre.holder(facts.unit_id, Role.OFFICER, now)
        if facts and officer:
            if facts.state is State.ISSUED:
                acknowledge(id, actor=officer, now=now - timedelta(minutes=4), seen=facts.version)
            ask(id, words, actor=officer, now=now)
            return


def _answer(theatre: Theatre, now: datetime) -> None:
    for question in db.session.scalars(select(Question).where(Question.answered_at.is_(None)).order_by(Question.id)):
        judge = theatre.holder(question.unit_id, Role.SUPERVISOR, now)
        if judge is not None:
            answer(question.id, "可以代签，注明关系并留电话，本人回来后补签。", actor=judge, now=now)


def _go_on_leave(theatre: Theatre, now: datetime) -> None:
    """The supervisor of the town's women's federation is away; the one of its union decides in the post meanwhile."""
    unit = unit_id(TOWN, Line.WOMEN)
    holder = theatre.holder(unit, Role.SUPERVISOR, now)
    other = theatre.holder(unit_id(TOWN, Line.UNION), Role.SUPERVISOR, now)
    if holder is None or other is None:
        return
    post, today = holder.post_in(unit, Role.SUPERVISOR), local_today(now)
    assert post is not None
    wish = Wish(post.id, other.person_id, today, today + AWAY_DAYS, "到省妇联干部学校参加培训")
    name_stand_in(wish, actor=holder, now=now)
    theatre.away[(unit, Role.SUPERVISOR)] = other.person_id
    theatre.recast(now)


def _leave_a_post_vacant(theatre: Theatre, now: datetime) -> None:
    """The only officer of a village's federation leaves the post; nobody follows yet."""
    administrator = theatre.holder(unit_id(CITY, Line.PARTY), Role.ADMINISTRATOR, now)
    asked = select(Assignment.unit_id).join(Question, Question.assignment_id == Assignment.id)
    for id in _of_the_town("C002-10", VACANT, Assignment.state.in_(WITH_OFFICER), Assignment.unit_id.not_in(asked)):
        facts = facts_of(id)
        posts = [] if facts is None else _posts(facts.unit_id, Role.OFFICER, now)
        if administrator is not None and len(posts) == 1:
            end_post(posts[0].id, actor=administrator, now=now)
            theatre.recast(now)
            return


def _hand_over(theatre: Theatre, now: datetime) -> None:
    """An officer of the other town is transferred; a colleague there takes the post with what is open."""
    administrator = theatre.holder(unit_id(CITY, Line.PARTY), Role.ADMINISTRATOR, now)
    leaves = _posts(unit_id(OTHER_TOWN, Line.YOUTH), Role.OFFICER, now)
    follows = _posts(unit_id(OTHER_TOWN, Line.UNION), Role.OFFICER, now)
    if administrator is not None and leaves and follows:
        note = "青年就业帮扶的名单在团委档案柜第二格，还有三户未回访。"
        handing = Handing(leaves[0].person_id, follows[0].person_id, (leaves[0].id,), local_today(now), note)
        hand_over(handing, actor=administrator, now=now)
        theatre.recast(now)


def _urge(theatre: Theatre, now: datetime) -> None:
    """The city's women's federation urges what is overdue."""
    dispatcher = theatre.holder(unit_id(CITY, Line.WOMEN), Role.DISPATCHER, now)
    late = (
        select(Assignment.id).join(Task).join(Campaign)
        .where(Campaign.key == "C003", Assignment.state.in_(WITH_OFFICER), Assignment.due_at < now)
        .order_by(Assignment.id).limit(URGED)
    )  # fmt: skip
    ids = list(db.session.scalars(late))
    if dispatcher is not None and ids:
        urge(ids, "市里本周汇总，请尽快办结报送；有困难请直接来电。", actor=dispatcher, now=now)


def _of_the_town(key: str, village: str, *clauses: ColumnElement[bool]) -> list[int]:
    """Assignments of that campaign in the town's women's federation: of this village if it has any, then of others, the
    last ones first, since the first village is the visitor's."""
    found = (
        select(Assignment.id).join(Unit, Unit.id == Assignment.unit_id).join(Area, Area.id == Unit.area_id)
        .join(Task, Task.id == Assignment.task_id).join(Campaign, Campaign.id == Task.campaign_id)
        .where(Campaign.key == key, Unit.line == Line.WOMEN, Unit.level == Level.VILLAGE, *clauses)
        .where(Assignment.suspended_at.is_(None), Assignment.period == 0)
        .order_by((Area.code == village).desc(), Unit.lft.desc(), Assignment.id)
    )  # fmt: skip
    return list(db.session.scalars(found))


def _posts(unit: int, role: Role, now: datetime) -> list[Post]:
    valid = select(Post).where(Post.unit_id == unit, Post.role == role, holds_on(local_today(now)))
    return list(db.session.scalars(valid.order_by(Post.id)))
