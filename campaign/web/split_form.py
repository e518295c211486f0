"""The form of a split: what was typed, as the page shows it and as the operation takes it.

The fields are plain texts under fixed names: `take-UNIT`, `v-UNIT-METRIC`, `p-UNIT` (who is in charge), `r-METRIC` (the
reserve), `reason`, `due_on`. A browser sends a thousand units as one small form.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ..clock import local_today
from ..errors import Sentence, say
from ..models.splits import Part
from ..operations.cascading import Plan
from ..queries.cascade import Row, Splitting
from ..rules.metrics import BadValue, read_worded
from ..rules.splitting import Sum, parts_of
from ..rules.targets import Method
from .filters import chinese
from .form_reading import day_in
from .typed_figures import DECIMALS, read_figure, typed_figure, unit_beside

MOST_DIGITS = 30
MOST_NAMED = 5


@dataclass
class Typed:
    """What stands in the form. `figures` by unit and metric, `people` by unit: ids as text. `method` and `filled`: how
    the figures came there, and their digest then; `checked`: the digest of what was shown before the confirmation;
    `left`: whether lines that were pasted wait in their box to be corrected."""

    taken: set[int] = field(default_factory=set)
    figures: dict[tuple[int, int], str] = field(default_factory=dict)
    reserves: dict[int, str] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)
    reason: str = ""
    due_on: str = ""
    method: str = ""
    filled: str = ""
    checked: str = ""
    register: str = ""
    pasted: str = ""
    left: str = ""
    action_id: str = ""

    @property
    def digest(self) -> str:
        """Of everything that the confirmation is about."""
        said = [
            sorted(self.taken), sorted((key, text) for key, text in self.figures.items() if key[0] in self.taken),
            sorted(self.reserves.items()), sorted(self.people.items()), self.due_on,
        ]  # fmt: skip
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    @property
    def figure_digest(self) -> str:
        """Of the figures alone."""
        said = sorted((key, text) for key, text in self.figures.items() if key[0] in self.taken and text)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]


def first(page: Splitting) -> Typed:
    """The form as it opens: the split in force, or all units with nothing yet."""
    split = page.split
    typed = Typed()
    fresh = page.whole.version == 0 or (page.place_id is not None and not any(row.shares for row in page.rows))
    for row in page.rows:
        if row.elsewhere:
            continue
        if fresh or row.mine or row.shares:
            typed.taken.add(row.unit_id)
        for part in split:
            if part.metric_id in row.holds:
                typed.figures[row.unit_id, part.metric_id] = shown(part, row.holds[part.metric_id])
        if row.in_charge_id:
            typed.people[row.unit_id] = str(row.in_charge_id)
    typed.reserves = {part.metric_id: shown(part, part.reserve) for part in split if part.reserve}
    return typed


def sent(page: Splitting, form: Mapping[str, str]) -> Typed:
    """The form as it was sent."""
    typed = Typed(action_id=form.get("client_action_id", ""))
    for name in ("reason", "due_on", "method", "filled", "checked", "register", "pasted", "left"):
        setattr(typed, name, form.get(name, ""))
    split = page.split
    for row in page.rows:
        unit = row.unit_id
        if row.elsewhere:
            continue
        if form.get(f"take-{unit}") or (row.mine and row.assignment_id and page.whole.parent_id):
            typed.taken.add(unit)
        for part in split:
            text = form.get(f"v-{unit}-{part.metric_id}", "").strip()[:MOST_DIGITS]
            if row.fixed and part.metric_id in row.holds:
                text = shown(part, row.holds[part.metric_id])
            if text:
                typed.figures[unit, part.metric_id] = text
        if person := form.get(f"p-{unit}", ""):
            typed.people[unit] = person[:19]
    for part in split:
        if text := form.get(f"r-{part.metric_id}", "").strip()[:MOST_DIGITS]:
            typed.reserves[part.metric_id] = text
    return typed


def number_of(part: Part, text: str) -> Decimal:
    """The figure that was typed for a metric, in its own unit. Raises BadValue."""
    return read_figure(text, part.kind, part.money_places, 0 if part.step == 1 else DECIMALS)


def pasted_number(part: Part, text: str) -> Decimal:
    """The same of a cell of a spreadsheet, which may name its unit: 3万元, 12个. Raises BadValue."""
    decimals = 0 if part.step == 1 else DECIMALS
    return read_worded(
        text, part.kind, unit=part.unit_of_measure, money_places=part.money_places, decimals=decimals
    )  # fmt: skip


def shown(part: Part, value: Decimal) -> str:
    """The figure as it stands in a field."""
    return typed_figure(value, part.kind, part.money_places)


def unit_words(part: Part) -> str:
    """What its figures are counted in."""
    return unit_beside(part.kind, part.unit_of_measure, part.money_places)


@dataclass
class Read:
    """The form, understood as far as it can be: figures by unit and metric, what is wrong with which field, and how
    the parts of each metric stand to its whole; the due day of the units that are new, where one was chosen."""

    shares: dict[int, dict[int, Decimal]]
    reserves: dict[int, Decimal]
    problems: list[tuple[str, Sentence]]
    sums: dict[int, Sum]
    due_on: date | None = None


def read(page: Splitting, typed: Typed) -> Read:
    """Every figure of the units that take part; what cannot be read is named at its field and counts as none."""
    shares: dict[int, dict[int, Decimal]] = {}
    problems: list[tuple[str, Sentence]] = []
    totals = {part.metric_id: page.outside.get(part.metric_id, Decimal(0)) for part in page.split}
    for row in page.rows:
        if row.unit_id not in typed.taken:
            continue
        mine = shares[row.unit_id] = {}
        for part in page.split:
            text = typed.figures.get((row.unit_id, part.metric_id))
            if text is None:
                continue
            try:
                mine[part.metric_id] = number_of(part, text)
                totals[part.metric_id] += mine[part.metric_id]
            except BadValue as wrong:
                at = f"v-{row.unit_id}-{part.metric_id}"
                problems.append((at, say("%(unit)s: %(why)s", unit=row.name, why=wrong.sentence)))
    reserves: dict[int, Decimal] = {}
    for part in page.split:
        try:
            if text := typed.reserves.get(part.metric_id):
                reserves[part.metric_id] = number_of(part, text)
        except BadValue as wrong:
            problems.append((f"r-{part.metric_id}", wrong.sentence))
    if not shares:
        problems.append(("units", say("Please choose at least one unit.")))
    problems += _empty(page, typed, shares)
    due_on, wrong_day = _day(page, typed)
    problems += wrong_day
    sums = {
        part.metric_id: Sum(part.total, totals[part.metric_id], reserves.get(part.metric_id, Decimal(0)))
        for part in page.split
    }
    return Read(shares, reserves, problems, sums, due_on)


def _empty(
    page: Splitting, typed: Typed, shares: Mapping[int, Mapping[int, Decimal]]
) -> Iterable[tuple[str, Sentence]]:  # fmt: skip
    """Where there are figures to split, a unit that takes part without any would be asked for nothing."""
    if not page.split:
        return []
    with_text = {unit_id for (unit_id, _metric), text in typed.figures.items() if text}  # what is no figure is told so
    said = say("no figure yet. Give one, 0 if nothing is asked, or leave the unit out.")
    return [
        (f"v-{row.unit_id}-{page.split[0].metric_id}", say("%(unit)s: %(why)s", unit=row.name, why=said))
        for row in page.rows
        if row.unit_id in shares and row.unit_id not in with_text and not row.fixed
    ]


def plan_of(page: Splitting, typed: Typed, found: Read) -> Plan:
    """What the operation is asked for."""
    known = {row.unit_id: row for row in page.rows}
    in_charge: dict[int, int | None] = {}
    for unit_id in typed.taken:
        chosen = typed.people.get(unit_id, "")
        person_id = int(chosen) if chosen.isascii() and chosen.isdecimal() else None
        if person_id != known[unit_id].in_charge_id and not known[unit_id].fixed:
            in_charge[unit_id] = person_id
    return Plan(
        method_of(page, typed), found.shares, found.reserves, typed.reason, in_charge, found.due_on, page.place_id
    )


def _day(page: Splitting, typed: Typed) -> tuple[date | None, list[tuple[str, Sentence]]]:
    """The earlier due day that was chosen, None for that of the whole; what is wrong with it."""
    try:
        day = day_in(typed.due_on.strip())
    except ValueError:
        return None, [("due_on", say("Please write the day as 2026-11-20."))]
    whole = page.whole.due_at
    if day is not None and whole is not None and day > local_today(whole):
        return day, [("due_on", say("What is handed down is never due later than the whole, %(day)s.", day=whole))]
    return day, []


def method_of(page: Splitting, typed: Typed) -> Method:
    """How the figures came there: by what filled them in last, if they are still the same; else by hand."""
    if not page.split:
        return Method.SAME_RATE
    known = {method.name.lower(): method for method in Method}
    if typed.method in known and typed.filled == typed.figure_digest:
        return known[typed.method]
    return Method.BY_HAND


def _fill_place(
    part: Part, typed: Typed, rows: Iterable[Row], weigh: Mapping[int, Decimal], everyone: Sequence[int], rest: Decimal
) -> list[Sentence]:
    """Of a page narrowed to an area: what its units would get if all of the task were filled in like this. So the areas
    add up to the total, one after the other."""
    try:
        parts = parts_of(rest, [weigh.get(unit_id, Decimal(0)) for unit_id in everyone], part.step)
    except ValueError:
        return [say("“%(metric)s”: there is nothing to split by.", metric=part.name)]
    of_all = dict(zip(everyone, parts, strict=True))
    for row in rows:
        typed.figures[row.unit_id, part.metric_id] = shown(part, of_all.get(row.unit_id, Decimal(0)))
    return []


def fill(
    page: Splitting, typed: Typed, method: Method, weights: Mapping[int, Mapping[int, Decimal]],
    everyone: Sequence[int] = (),
) -> list[Sentence]:  # fmt: skip
    """Fills in every figure that can be split by these weights (by metric and unit) among the units that take part;
    what cannot, and why. Finished units keep what they have, and the rest is split among the others. `everyone`: all
    units, where the page is narrowed to an area."""
    said: list[Sentence] = []
    for part in page.split:
        if part.total is None:
            said.append(say("“%(metric)s” has no total, so there is nothing to split.", metric=part.name))
            continue
        try:
            rest = part.total - (number_of(part, typed.reserves.get(part.metric_id, "") or "0"))
        except BadValue as wrong:
            said.append(wrong.sentence)
            continue
        rows = [row for row in page.rows if row.unit_id in typed.taken and not row.fixed]
        if everyone:
            said += _fill_place(part, typed, rows, weights.get(part.metric_id, {}), everyone, rest)
            continue
        rest -= sum((row.holds.get(part.metric_id, Decimal(0)) for row in page.rows if row.fixed), Decimal(0))
        weigh = weights.get(part.metric_id, {})
        missing = [row.name for row in rows if row.unit_id not in weigh]
        try:
            parts = parts_of(rest, [weigh.get(row.unit_id, Decimal(0)) for row in rows], part.step)
        except ValueError:
            said.append(say("“%(metric)s”: there is nothing to split by.", metric=part.name))
            continue
        for row, value in zip(rows, parts, strict=True):
            typed.figures[row.unit_id, part.metric_id] = shown(part, value)
        if missing:
            said.append(say(
                "“%(metric)s”: nothing is known of %(n)s units, they got 0: %(names)s.", metric=part.name,
                n=len(missing), names=few(missing),
            ))  # fmt: skip
    typed.method, typed.filled = method.name.lower(), typed.figure_digest
    return said


def without_figure(page: Splitting, found: Read) -> list[tuple[Part, list[str]]]:
    """The figures that some of the units would not get while they get others: nothing would be asked of them."""
    rows = [row for row in page.rows if found.shares.get(row.unit_id) and not row.fixed]
    bare = (
        (part, [row.name for row in rows if part.metric_id not in found.shares[row.unit_id]]) for part in page.split
    )
    return [(part, names) for part, names in bare if names]


def left_aside(page: Splitting, typed: Typed) -> list[str]:
    """The units that have a figure and are not ticked, by name: they take no part, and somebody may have meant it."""
    with_figures = {unit_id for (unit_id, _metric), text in typed.figures.items() if text} - typed.taken
    return [row.name for row in page.rows if row.unit_id in with_figures and not row.elsewhere]


def few(names: Sequence[str]) -> str:
    """The first of these names."""
    return ("、" if chinese() else ", ").join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")


def names_of(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Who is meant by a name or a code: a unit's name, its area's name, both with the place above, the area's code."""
    found: dict[str, list[int]] = {}
    for row in rows:
        for name in {row.name, row.area, row.code, row.place + row.name, row.place + row.area}:
            found.setdefault(name, []).append(row.unit_id)
    return found
