"""Random re-checks: what is given to the reader's units to look at, the draws, and how much they say of a roll-up."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import DECIMAL_PLACES, Exact, db, listed
from ..models import (
    Area,
    Assignment,
    Campaign,
    CampaignUnit,
    Event,
    Person,
    Sample,
    SampleItem,
    Submission,
    Tally,
    TallyDelta,
    Task,
    Unit,
)
from ..models.climbing import standing_in
from ..models.drawing import Draw, draw
from ..models.pending import left_and_reached
from ..rules.former_tree import Stretch
from ..rules.organisation import Actor, Level, Line, PostFact, Role
from ..rules.rechecks import RecheckResult
from ..rules.states import State
from .spelled import unit_sounds_like

PAGE = 50
MOST_TASKS = 200
FOUND = (RecheckResult.CONFIRMED, RecheckResult.DIFFERS, RecheckResult.NOT_FOUND)
CHECKERS = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)
Key = tuple[int, int]  # the draw and the assignment


@dataclass(frozen=True)
class Item:
    """One assignment to check, or checked."""

    sample_id: int
    assignment_id: int
    unit_name: str
    checker_id: int
    checker_name: str
    stratum_name: str
    task_title: str
    number: int
    result: RecheckResult
    words: str
    by: str | None
    at: datetime | None
    drawn_at: datetime


@dataclass(frozen=True)
class Wanted:
    """Which items: of one draw, or (None) given to the reader's units; those with one of these results (none named:
    all), with these words in the name of the unit or of the task."""

    sample_id: int | None = None
    results: Collection[RecheckResult] = ()
    text: str = ""


@dataclass(frozen=True)
class Page:
    """One page of items; `next` continues it after that draw and assignment."""

    rows: tuple[Item, ...]
    total: int
    next: Key | None


@dataclass(frozen=True)
class Confidence:
    """What re-checks say of approved figures: how many were drawn and looked at, and what was found."""

    drawn: int = 0
    confirmed: int = 0
    differs: int = 0
    not_found: int = 0

    @property
    def checked(self) -> int:
        """How many have been looked at."""
        return self.confirmed + self.differs + self.not_found

    @property
    def share(self) -> float | None:
        """How many of those looked at were confirmed, in per cent."""
        return self.confirmed / self.checked * 100 if self.checked else None


@dataclass(frozen=True)
class Drawn:
    """One draw with its result so far."""

    id: int
    task_id: int
    task_title: str
    campaign_id: int
    seed: str
    share: int
    level: Level
    population: int
    drawn_from: str
    reason: str
    by: str
    at: datetime
    confidence: Confidence


def _counts() -> list[ColumnElement[Any]]:
    return [func.count(SampleItem.assignment_id), *(func.count().filter(SampleItem.result == one) for one in FOUND)]


def found_inside(
    task_id: int, stretches: Sequence[Stretch], lines: Sequence[Line] | None = None, *, what: int
) -> Select[Any]:
    """What re-checks of a task found in these stretches of the tree, in units of these lines: rows (what, result as
    `key`, how many as `value`), for a page that asks for more in the same statement. Whoever asks may see the roll-up.
    """
    many = type_coerce(func.count() * 10**DECIMAL_PLACES, Exact()).label("value")
    found = (
        select(literal(what).label("what"), cast(SampleItem.result, Integer).label("key"), many)
        .join(Sample, Sample.id == SampleItem.sample_id)
        .join(Assignment, Assignment.id == SampleItem.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .where(Sample.task_id == task_id, standing_in(Unit.lft, stretches))
        .group_by(SampleItem.result)
    )
    return found if lines is None else found.where(Unit.line.in_(lines))


def confidence_of(found: Mapping[RecheckResult, int]) -> Confidence:
    """From how many have each result."""
    told = (found.get(one, 0) for one in FOUND)
    return Confidence(sum(found.values()), *told)


def _items() -> Select[Any]:
    checker, stratum = aliased(Unit), aliased(Area)
    return (
        select(
            SampleItem.sample_id, SampleItem.assignment_id, Unit.name, SampleItem.unit_id, checker.name, stratum.name,
            Task.title, Submission.number, SampleItem.result, SampleItem.words, Person.name, SampleItem.at, Sample.at,
        )
        .join(Sample, Sample.id == SampleItem.sample_id)
        .join(Assignment, Assignment.id == SampleItem.assignment_id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(checker, checker.id == SampleItem.unit_id)
        .join(stratum, stratum.id == SampleItem.stratum_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Submission, Submission.id == SampleItem.submission_id)
        .outerjoin(Person, Person.id == SampleItem.person_id)
    )  # fmt: skip


def page(wanted: Wanted, actor: Actor, *, after: Key = (0, 0)) -> Page:
    """What the reader's units were given to look at, or what was drawn in one draw, the oldest draw first. Two
    statements."""
    chosen = _chosen(wanted, actor)
    total = db.session.execute(_items().where(*chosen).with_only_columns(func.count())).scalar_one()
    sample_id, assignment_id = after
    later = or_(
        SampleItem.sample_id > sample_id,
        and_(SampleItem.sample_id == sample_id, SampleItem.assignment_id > assignment_id),
    )
    rows = [Item(*row) for row in db.session.execute(_ordered(_items().where(*chosen, later)).limit(PAGE + 1))]
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Page(tuple(rows[:PAGE]), int(total), (last.sample_id, last.assignment_id) if last else None)


def everything(wanted: Wanted, actor: Actor) -> Iterator[Item]:
    """The whole list, for an export. One statement, read as it is written."""
    statement = _ordered(_items().where(*_chosen(wanted, actor)))
    with db.session.execute(statement.execution_options(yield_per=500)) as rows:
        for row in rows:
            yield Item(*row)


def _ordered(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(SampleItem.sample_id, SampleItem.assignment_id)


def _chosen(wanted: Wanted, actor: Actor) -> list[ColumnElement[bool]]:
    if wanted.sample_id is None:
        clauses: list[ColumnElement[bool]] = [SampleItem.unit_id.in_(actor.units(*CHECKERS))]
    else:
        clauses = [SampleItem.sample_id == wanted.sample_id, _concerned(actor, SampleItem.unit_id)]
    if wanted.results:
        clauses.append(SampleItem.result.in_(wanted.results))
    if wanted.text:
        found = (name.icontains(wanted.text, autoescape=True) for name in (Unit.name, Task.title))
        clauses.append(or_(*found, unit_sounds_like(Unit.area_id, wanted.text)))
    return clauses


def count_to_check(actor: Actor) -> int:
    """How many wait for the reader's units. One statement."""
    mine = SampleItem.unit_id.in_(actor.units(*CHECKERS))
    waiting = select(func.count()).where(mine, SampleItem.result == RecheckResult.OPEN)
    return int(db.session.execute(waiting).scalar_one())


def item(sample_id: int, assignment_id: int, actor: Actor) -> Item | None:
    """One of them, for the unit that checks, the issuing units and who oversees; None for everybody else."""
    key = (SampleItem.sample_id == sample_id, SampleItem.assignment_id == assignment_id)
    row = db.session.execute(_items().where(*key, _concerned(actor, SampleItem.unit_id))).one_or_none()
    return None if row is None else Item(*row)


def _issued(actor: Actor) -> ColumnElement[bool]:
    """Over Sample: its task belongs to a campaign that the reader's units issue."""
    units = actor.units(Role.DISPATCHER, Role.SUPERVISOR)
    partner = select(CampaignUnit.campaign_id).where(CampaignUnit.unit_id.in_(units))
    own = or_(Campaign.issuing_unit_id.in_(units), Campaign.id.in_(partner))
    return Sample.task_id.in_(select(Task.id).join(Campaign, Campaign.id == Task.campaign_id).where(own))


def _overseen(actor: Actor) -> ColumnElement[bool]:
    """Over Sample: issued by a unit in the area that an auditor or administrator of the same line answers for."""
    posts = [post for post in actor.posts if post.role in (Role.AUDITOR, Role.ADMINISTRATOR)]
    issued = select(Task.id).join(Campaign, Campaign.id == Task.campaign_id)
    issued = issued.join(Unit, Unit.id == Campaign.issuing_unit_id)
    return or_(false(), *(Sample.task_id.in_(issued.where(_within(post))) for post in posts))


def _within(post: PostFact) -> ColumnElement[bool]:
    inside = Unit.lft.between(post.lft, post.rgt)
    return inside if post.line is Line.PARTY else and_(inside, Unit.line == post.line)


def _concerned(actor: Actor, checker: Any) -> ColumnElement[bool]:
    return or_(_issued(actor), _overseen(actor), checker.in_(actor.units(*CHECKERS)))


def samples(
    actor: Actor,
    *,
    sample_id: int | None = None,
    text: str = "",
    before: int | None = None,
    most: int | None = PAGE + 1,
) -> list[Drawn]:
    """The draws that concern the reader, the newest first: their own, those they check for, those they oversee. One
    more than a page; `before` continues after that draw, `text` stands in the title of the task or in the reason."""
    statement = (
        select(
            Sample.id, Sample.task_id, Task.title, Task.campaign_id, Sample.seed, Sample.share, Sample.level,
            Sample.population, Sample.drawn_from, Sample.reason, Person.name, Sample.at, *_counts(),
        )
        .join(Task, Task.id == Sample.task_id)
        .join(Person, Person.id == Sample.person_id)
        .outerjoin(SampleItem, SampleItem.sample_id == Sample.id)
        .where(*_drawn(actor, text))
        .group_by(Sample.id, Task.title, Task.campaign_id, Person.name)
        .order_by(Sample.id.desc())
        .limit(most)
    )  # fmt: skip
    if sample_id is not None:
        statement = statement.where(Sample.id == sample_id)
    if before:
        statement = statement.where(Sample.id < before)
    return [
        Drawn(*(*row[:6], Level(row[6]), *row[7:12], Confidence(*row[12:]))) for row in db.session.execute(statement)
    ]


def count_samples(actor: Actor, text: str = "") -> int:
    """How many draws concern the reader. One statement."""
    found = select(func.count()).select_from(Sample).join(Task, Task.id == Sample.task_id)
    return int(db.session.execute(found.where(*_drawn(actor, text))).scalar_one())


def _drawn(actor: Actor, text: str) -> list[ColumnElement[bool]]:
    checks = Sample.id.in_(select(SampleItem.sample_id).where(SampleItem.unit_id.in_(actor.units(*CHECKERS))))
    clauses = [or_(_issued(actor), _overseen(actor), checks)]
    if text:
        clauses.append(or_(*(words.icontains(text, autoescape=True) for words in (Task.title, Sample.reason))))
    return clauses


def tasks_to_draw(actor: Actor) -> list[tuple[int, str, str, int]]:
    """Id, title, campaign and number of approved assignments of the tasks that the reader's units issue. One statement,
    which counts by what was tallied at the top of the tree and what is not yet: a task may have a million."""
    units = actor.units(Role.DISPATCHER, Role.SUPERVISOR)
    partner = select(CampaignUnit.campaign_id).where(CampaignUnit.unit_id.in_(units))
    own = or_(Campaign.issuing_unit_id.in_(units), Campaign.id.in_(partner))
    tasks = select(Task.id).join(Campaign, Campaign.id == Task.campaign_id).where(own)
    tops = select(Area.id).where(Area.parent_id.is_(None))
    folded = select(Tally.task_id, Tally.state, Tally.n).where(Tally.task_id.in_(tasks), Tally.area_id.in_(tops))
    pending = (part.subquery().c for part in left_and_reached(TallyDelta.task_id.in_(tasks)))
    rows = union_all(folded, *(select(each.task_id, each.state, each.n) for each in pending)).subquery()
    n = func.sum(rows.c.n)
    found = (
        select(Task.id, Task.title, Campaign.title, n)
        .select_from(rows)
        .join(Task, Task.id == rows.c.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(rows.c.state == State.APPROVED)
        .group_by(Task.id, Task.title, Campaign.title)
        .having(n > 0)
        .order_by(Task.id.desc())
        .limit(MOST_TASKS)
    )
    return [(id, title, campaign, int(n)) for id, title, campaign, n in db.session.execute(found)]


def names_of(preview: Draw) -> dict[str, dict[int, str]]:
    """The names of the units and strata of a draw. One statement."""
    units = {pick.chance.unit_id for pick in preview.picks} | {pick.unit_id for pick in preview.picks if pick.unit_id}
    names: dict[str, dict[int, str]] = {"units": {}, "strata": {}}
    of_units = select(literal("units"), Unit.id, Unit.name).where(Unit.id.in_(listed(units)))
    of_strata = select(literal("strata"), Area.id, Area.name).where(Area.id.in_(listed(preview.sizes)))
    for kind, id, name in db.session.execute(of_units.union_all(of_strata)):
        names[kind][id] = name
    return names


@dataclass(frozen=True)
class Redrawn:
    """The same draw made again: whether it is drawn from the same, and gives the same list."""

    same_population: bool
    same_list: bool
    population: int
    items: int


def redrawn(drawn: Drawn) -> Redrawn:
    """Draws again from the seed, as of the same instant by the log, and compares with what was kept.

    What no unit could check was drawn too, but given to nobody; it is not missing.
    """
    again = draw(drawn.task_id, drawn.level, drawn.share, drawn.seed, at=drawn.at)
    kept = set(db.session.execute(select(SampleItem.assignment_id).where(SampleItem.sample_id == drawn.id)).scalars())
    event = select(Event.data).where(Event.subject == "recheck", Event.subject_id == drawn.id)
    told = db.session.execute(event.limit(1)).scalar_one_or_none() or ""
    same = again.digest in told and kept <= set(again.ids)
    return Redrawn(again.drawn_from == drawn.drawn_from, same, again.population, len(kept))
