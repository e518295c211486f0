"""Things for tests, made by plain functions. Each is committed when its function returns.

Dates lie around `NOW`. What is not said gets a plain default; `**fields` go to the noun as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import wraps
from hashlib import sha256
from itertools import count
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import select

from campaign.db import db, micros, unit_of_work
from campaign.models import (
    Area,
    Assignment,
    Batch,
    Campaign,
    CampaignUnit,
    EvidenceRule,
    Metric,
    Person,
    Post,
    Submission,
    TallyDelta,
    Task,
    TaskLine,
    TaskUnit,
    Unit,
)
from campaign.rules.dates import DateRule, DueKind, dates_at, review_due
from campaign.rules.metrics import Aggregation, Comparator, MetricKind
from campaign.rules.organisation import LINE_NAMES, Actor, Level, Line, PostFact, Role
from campaign.rules.plans import CampaignStatus, EvidenceKind
from campaign.rules.states import State

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
ZONE = "Asia/Shanghai"
PASSWORD = "Correct-horse-2026"
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # cheap: tests sign in often

P = ParamSpec("P")
R = TypeVar("R")
_numbers = count(1)


def kept(function: Callable[P, R]) -> Callable[P, R]:
    """Runs the factory in one unit of work; factories called inside it join."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if db.session().info.get("making"):
            return function(*args, **kwargs)
        with unit_of_work() as session:
            session.info["making"] = True
            try:
                return function(*args, **kwargs)
            finally:
                session.info.pop("making")

    return run


def _add(thing: R) -> R:
    db.session.add(thing)
    db.session.flush()
    return thing


def _add_all(things: Iterable[object]) -> None:
    """Many in one go, numbered in this order."""
    db.session.add_all(things)
    db.session.flush()


# -- the organisation ------------------------------------------------------------------------------------------------


@kept
def area(name: str = "清河县", level: Level = Level.COUNTY, parent: Area | None = None, **fields) -> Area:
    """An area at its place in the tree; intervals of the whole tree are counted afresh."""
    made = _area(name, level, parent, **fields)
    straighten()
    return made


def _area(name: str, level: Level, parent: Area | None = None, **fields) -> Area:
    code = fields.pop("code", f"99{next(_numbers):010d}")
    depth = parent.depth + 1 if parent else 0
    parent_id = parent.id if parent else None
    made = _add(
        Area(name=name, level=level, code=code, parent_id=parent_id, path="", depth=depth, lft=0, rgt=0, **fields)
    )
    made.path = f"{parent.path if parent else '/'}{made.id}/"
    return made


@kept
def unit(area: Area, line: Line = Line.WOMEN, **fields) -> Unit:
    """The unit of that line in that area; superiors of the whole tree are found afresh."""
    name = fields.pop("name", f"{area.name}{LINE_NAMES[line]}")
    made = _add(Unit(area_id=area.id, line=line, level=area.level, lft=area.lft, name=name, **fields))
    straighten()
    return made


def straighten() -> None:
    """Counts the preorder intervals and finds the superiors, from parents alone."""
    areas = {row.id: row for row in db.session.scalars(select(Area).order_by(Area.id))}
    number = count(1)

    def walk(row: Area) -> None:
        row.lft = row.rgt = next(number)
        for child in [other for other in areas.values() if other.parent_id == row.id]:
            walk(child)
            row.rgt = child.rgt

    for root in [row for row in areas.values() if row.parent_id is None]:
        walk(root)
    units = {(row.area_id, row.line): row for row in db.session.scalars(select(Unit))}
    for (area_id, line), row in units.items():
        own = [int(part) for part in areas[area_id].path.strip("/").split("/")][::-1]  # itself first, the root last
        same = [units[key] for place in own[1:] if (key := (place, line)) in units]
        party = [units[key] for place in own if (key := (place, Line.PARTY)) in units and line is not Line.PARTY]
        row.superior_id = next((found.id for found in same + party), None)
        row.lft, row.level = areas[area_id].lft, areas[area_id].level
    db.session.flush()


@kept
def person(name: str = "", login: str = "", **fields) -> Person:
    """Somebody who can sign in with `PASSWORD`."""
    return _add(_person(name, login, **fields))


def _person(name: str = "", login: str = "", **fields) -> Person:
    number = next(_numbers)
    fields = {"password_hash": PASSWORD_HASH, "must_change_password": False, "created_at": NOW} | fields
    return Person(login=login or f"p{number}", name=name or f"测试{number}", **fields)


@kept
def post(person: Person, unit: Unit, role: Role = Role.OFFICER, **fields) -> Post:
    """A post that began with the year and has no end."""
    return _add(_post(person, unit, role, **fields))


def _post(person: Person, unit: Unit, role: Role, **fields) -> Post:
    fields = {"valid_from": date(TODAY.year, 1, 1)} | fields
    return Post(person_id=person.id, unit_id=unit.id, role=role, **fields)


@kept
def holder(unit: Unit, role: Role = Role.OFFICER, **fields) -> Person:
    """A new person with that post."""
    made = person(**fields)
    post(made, unit, role)
    return made


def actor(person: Person, on: date = TODAY) -> Actor:
    """The person with all posts that are valid on that day."""
    rows = db.session.execute(
        select(Post, Unit, Area)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Post.person_id == person.id, Post.disabled_at.is_(None), Post.valid_from <= on)
        .order_by(Post.id)
    ).all()
    posts = tuple(
        PostFact(p.id, u.id, p.role, u.line, u.level, a.lft, a.rgt, u.name)
        for p, u, a in rows
        if p.valid_to is None or p.valid_to >= on
    )
    return Actor(person_id=person.id, name=person.name, posts=posts)


@dataclass
class SmallTree:
    """A city, its county, two townships, three villages each; 党委, 妇联 and 工会 everywhere, and people on them."""

    city: Area
    county: Area
    townships: list[Area]
    villages: list[Area]
    units: dict[tuple[int, Line], Unit] = field(default_factory=dict)
    people: dict[tuple[int, Role], Person] = field(default_factory=dict)

    def unit(self, area: Area, line: Line = Line.WOMEN) -> Unit:
        """The unit of that line there."""
        return self.units[area.id, line]

    def holder(self, area: Area, role: Role, line: Line = Line.WOMEN) -> Person:
        """Who has that role there."""
        return self.people[self.units[area.id, line].id, role]

    def actor(self, area: Area, role: Role, line: Line = Line.WOMEN) -> Actor:
        """The same as an actor."""
        return actor(self.holder(area, role, line))


TREE_LINES = (Line.PARTY, Line.WOMEN, Line.UNION)


@kept
def small_tree() -> SmallTree:
    """Officers in every village unit, supervisors in every township and county unit, dispatchers in county units."""
    city = _area("云川市", Level.CITY)
    county = _area("清河县", Level.COUNTY, city)
    townships = [_area(name, Level.TOWNSHIP, county) for name in ("柳林镇", "石桥乡")]
    villages = [
        _area(f"{place.name[:2]}{name}", Level.VILLAGE, place)
        for place in townships
        for name in ("东村", "西村", "新村")
    ]
    tree = SmallTree(city, county, townships, villages)
    roles = {
        Level.VILLAGE: (Role.OFFICER,),
        Level.TOWNSHIP: (Role.SUPERVISOR,),
        Level.COUNTY: (Role.SUPERVISOR, Role.DISPATCHER),
    }
    for place in (city, county, *townships, *villages):
        for line in TREE_LINES:
            fields = {"line": line, "level": place.level, "lft": place.lft, "name": f"{place.name}{LINE_NAMES[line]}"}
            tree.units[place.id, line] = Unit(area_id=place.id, **fields)
    _add_all(tree.units.values())
    held = [(unit, role, _person()) for unit in tree.units.values() for role in roles.get(unit.level, ())]
    _add_all(person for _, _, person in held)
    _add_all(_post(person, unit, role) for unit, role, person in held)
    tree.people = {(unit.id, role): person for unit, role, person in held}
    straighten()
    return tree


# -- the plan --------------------------------------------------------------------------------------------------------


@kept
def campaign(
    issuing_unit: Unit, title: str = "企业建会集中行动", co_issuers: Sequence[Unit] = (), **fields
) -> Campaign:
    """An issued campaign of that unit; pass status=CampaignStatus.DRAFT for a draft."""
    author_id = fields.pop("author_id", None) or person().id
    fields = {"status": CampaignStatus.ISSUED, "created_at": NOW, "number": f"清工〔2026〕{next(_numbers)}号"} | fields
    if fields["status"] is not CampaignStatus.DRAFT:
        fields.setdefault("issued_at", NOW)
    made = _add(Campaign(issuing_unit_id=issuing_unit.id, title=title, author_id=author_id, **fields))
    for other in co_issuers:
        _add(CampaignUnit(campaign_id=made.id, unit_id=other.id))
    return made


@kept
def task(
    campaign: Campaign,
    title: str = "企业法人单位建会率",
    lines: Sequence[Line] = (Line.WOMEN,),
    units: Sequence[Unit] = (),
    **fields,
) -> Task:
    """A task for all villages of these lines, due in ten days and to be signed for in two; or for the units named."""
    fields = {
        "position": next(_numbers),
        "receiving_level": None if units else Level.VILLAGE,
        "due_kind": DueKind.FIXED,
        "due_on": TODAY + timedelta(days=10),
        "respond_days": 2,
    } | fields
    made = _add(Task(campaign_id=campaign.id, title=title, **fields))
    for line in lines:
        _add(TaskLine(task_id=made.id, line=line))
    for named in units:
        _add(TaskUnit(task_id=made.id, unit_id=named.id))
    db.session.expire(made)
    return made


AGGREGATIONS = {
    MetricKind.COUNT: Aggregation.LATEST,  # a target for each unit; that of a sum is for all of them together
    MetricKind.AMOUNT: Aggregation.LATEST,
    MetricKind.RATE: Aggregation.RATIO,
    MetricKind.BOOLEAN: Aggregation.ALL,
    MetricKind.TEXT: Aggregation.LATEST,
    MetricKind.CHECKLIST: Aggregation.ALL,
}


@kept
def metric(task: Task, kind: MetricKind = MetricKind.COUNT, target: Decimal | int | None = None, **fields) -> Metric:
    """A figure of the task; with a target it must be at least that."""
    fields = {
        "position": next(_numbers),
        "name": "建会数",
        "comparator": Comparator.NONE if target is None else Comparator.AT_LEAST,
        "target": None if target is None else Decimal(target),
        "aggregation": AGGREGATIONS[kind],
    } | fields
    made = _add(Metric(task_id=task.id, kind=kind, **fields))
    db.session.expire(task)
    return made


@kept
def evidence_rule(task: Task, kind: EvidenceKind = EvidenceKind.PHOTO, min_count: int = 1, **fields) -> EvidenceRule:
    """Something that must be attached."""
    fields = {"position": next(_numbers), "name": "挂牌照片", "ground": "方案第三条"} | fields
    made = _add(EvidenceRule(task_id=task.id, kind=kind, min_count=min_count, **fields))
    db.session.expire(task)
    return made


# -- the work --------------------------------------------------------------------------------------------------------


@kept
def assignment(task: Task, unit: Unit, state: State = State.ISSUED, **fields) -> Assignment:
    """An assignment of that task as it stands in that state; SUBMITTED waits at the unit's superior.

    The row alone, with its batch, its submission and its tally: no events. Where the log matters, dispatch instead.
    """
    rule = DateRule(task.due_kind, task.due_on, task.due_days, task.respond_days, task.grace_days)
    dates = dates_at(rule, NOW, ZONE)
    given = {"respond_by": dates.respond_by, "due_at": dates.due_at, "cut_off_at": dates.cut_off_at}
    digest = sha256(str(unit.id).encode()).hexdigest()
    batch = _add(Batch(task_id=task.id, dispatched_at=NOW, items=1, digest=digest, folded=True, **given))
    if state is State.SUBMITTED:
        given |= {"reviewer_unit_id": unit.superior_id, "review_due_at": review_due(NOW, ZONE)}
    made = _add(Assignment(task_id=task.id, unit_id=unit.id, batch_id=batch.id, state=state, **(given | fields)))
    due, behind = (0 if moment is None else micros(moment) for moment in (made.due_at, made.behind_at))
    key = {"from_due": due, "to_due": due, "from_behind": behind, "to_behind": behind}
    _add(TallyDelta(task_id=task.id, unit_id=unit.id, from_state=None, to_state=state, **key))
    if state in (State.SUBMITTED, State.RETURNED, State.APPROVED):
        submission(made)
    return made


@kept
def submission(assignment: Assignment, officer: Person | None = None, number: int = 1, **fields) -> Submission:
    """A version of the report, by the unit's officer (a new one where there is none)."""
    found = select(Post).where(Post.unit_id == assignment.unit_id, Post.role == Role.OFFICER)
    if officer is not None:
        found = found.where(Post.person_id == officer.id)
    held = db.session.scalars(found.order_by(Post.id)).first()
    held = held or post(officer or person(), db.session.get_one(Unit, assignment.unit_id))
    chain = ",".join(map(str, chain_of(assignment)))
    fields = {"words": "已完成建会，名册附后。", "at": NOW, "chain": chain, "digest": "0" * 64} | fields
    made = Submission(assignment_id=assignment.id, number=number, person_id=held.person_id, post_id=held.id, **fields)
    return _add(made)


def chain_of(assignment: Assignment) -> list[int]:
    """The units that review it: every one above the reporting unit, up to the issuing one."""
    issuing = db.session.scalar(select(Campaign.issuing_unit_id).join(Task).where(Task.id == assignment.task_id))
    found: list[int] = []
    unit = db.session.get_one(Unit, assignment.unit_id)
    while unit.superior_id and unit.id != issuing:
        unit = db.session.get_one(Unit, unit.superior_id)
        found.append(unit.id)
    return found if issuing in found else [issuing]
