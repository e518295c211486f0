"""What is handed down in the demonstration: the city splits its totals, counties and a town hand their parts on.

One county gives out more than it was given, another holds something back and leaves a gap, so that the tree of a
target has something to show.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select

from ..db import db
from ..models import Allocation, Assignment, Batch, Campaign, Register, Task, Unit
from ..models.organisation import Area
from ..models.splits import Part, below, parts_of_whole, whole_of, whole_task
from ..operations.cascading import Plan, split, split_task
from ..operations.issuing import receivers
from ..operations.registers import change_counts
from ..rules.organisation import Level, Line, Role
from ..rules.splitting import parts_of
from ..rules.targets import Method
from .acting import Theatre, at_work

KEY = "C000"
COUNTIES = {"990101000000": Decimal("1.1"), "990102000000": Decimal("0.9")}  # how much of its part each gives out
TOWN = "990101001000"
PACE = 1.2
HELD_BACK = Decimal("0.05")


def count_registers(theatre: Theatre, unit_id: int, now: datetime) -> None:
    """The issuer's registers get a number for every village and town: how many federation cadres, how many firms."""
    dispatcher = theatre.holder(unit_id, Role.DISPATCHER, now)
    below_city = select(Unit.id).where(Unit.level.in_((Level.TOWNSHIP, Level.VILLAGE)), Unit.line != Line.PARTY)
    units = list(db.session.scalars(below_city.order_by(Unit.lft, Unit.line)))
    for register in db.session.scalars(select(Register).where(Register.unit_id == unit_id).order_by(Register.id)).all():
        if dispatcher is not None:
            counts = {unit: Decimal(theatre.chance.randint(1, 6)) for unit in units}
            change_counts(register.id, counts, actor=dispatcher, now=now, seen=register.version)


def split_total(theatre: Theatre, task_id: int, now: datetime) -> None:
    """The issuer splits what the task must reach in all among the units that will receive it, before the dispatch."""
    whole = whole_task(task_id)
    assert whole is not None
    dispatcher = theatre.holder(whole.issuing_unit_id, Role.DISPATCHER, now)
    if dispatcher is None:
        return
    units = list(db.session.scalars(select(Unit.id).where(receivers(task_id)).order_by(Unit.lft, Unit.line)))
    parts = [part for part in parts_of_whole(whole) if part.split and part.total]
    if whole.level is Level.CITY and parts and len(units) <= len(COUNTIES) + 1:
        plan = Plan(Method.EVENLY, _shares(parts, units, Decimal(1), Decimal(0)))
        split_task(task_id, plan, actor=dispatcher, now=now, seen=0)


def hand_down_to_towns(theatre: Theatre, now: datetime) -> None:
    """Two counties hand their parts down: one more than it has, one less."""
    for code, much in COUNTIES.items():
        _hand_down(theatre, now, code, Level.TOWNSHIP, much)


def hand_down_to_villages(theatre: Theatre, now: datetime) -> None:
    """One town hands its parts down, and holds a little back."""
    _hand_down(theatre, now, TOWN, Level.VILLAGE, Decimal(1))


def _hand_down(theatre: Theatre, now: datetime, code: str, level: Level, much: Decimal) -> None:
    mine = (
        select(Assignment.id)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .join(Task, Task.id == Assignment.task_id)
        .join(Campaign, Campaign.id == Task.campaign_id)
        .where(
            Campaign.key == KEY,
            Area.code == code,
            ~select(Allocation.id).where(Allocation.parent_id == Assignment.id).exists(),
        )
        .order_by(Assignment.id)
    )
    for assignment_id in db.session.scalars(mine).all():
        whole = whole_of(assignment_id)
        assert whole is not None
        dispatcher = theatre.holder(whole.unit_id, Role.DISPATCHER, now)
        units = list(
            db.session.scalars(select(Unit.id).where(below(whole, now.date()), Unit.level == level).order_by(Unit.lft))
        )
        parts = [part for part in parts_of_whole(whole) if part.split and part.total]
        if dispatcher is None or not units or not parts:
            continue
        held = HELD_BACK if much < 1 else Decimal(0)
        plan = Plan(Method.EVENLY, _shares(parts, units, much, held), {p.metric_id: _held(p, held) for p in parts})
        split(assignment_id, plan, actor=dispatcher, now=now, seen=0)
        batch = db.session.scalar(select(func.max(Batch.id)).where(Batch.task_id == whole.task_id))
        assert batch is not None
        theatre.cast(batch, now, lambda _unit: False, eager=0.8, pace=PACE)
        now = at_work(now + timedelta(minutes=7), theatre.chance)


def _shares(parts: list[Part], units: list[int], much: Decimal, held: Decimal) -> dict[int, dict[int, Decimal]]:
    shares: dict[int, dict[int, Decimal]] = {unit: {} for unit in units}
    for part in parts:
        given = ((part.total or Decimal(0)) * much).to_integral_value() - _held(part, held)
        for unit, value in zip(units, parts_of(given, [Decimal(1)] * len(units), part.step), strict=True):
            shares[unit][part.metric_id] = value
    return shares


def _held(part: Part, held: Decimal) -> Decimal:
    return ((part.total or Decimal(0)) * held).to_integral_value()
