"""The board: its numbers are exact at any moment of folding, inside the reader's scope, and cost few statements."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import delete, select, update

from campaign.db import db, unit_of_work
from campaign.errors import NotFound
from campaign.models import Area, Assignment, Batch, Suspension, TallyDelta, Unit
from campaign.operations.folding import fold
from campaign.operations.recording import record_states
from campaign.queries import board as queries
from campaign.queries.board import Asked, board
from campaign.queries.history import trend
from campaign.rules.dates import Light, light_of
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.states import WITH_OFFICER, State
from tests import make
from tests.counting import statements


@pytest.fixture
def work(app, now):
    """Two tasks of two lines in all lights, one for a township's own unit, one for a shop in a village."""
    tree = make.small_tree()
    tree.shop = make.area("清河纺织厂", Level.ORGANISATION, tree.villages[0])
    make.unit(tree.shop)
    tree.campaign = make.campaign(tree.unit(tree.county))
    tree.tasks = [make.task(tree.campaign), make.task(tree.campaign, lines=(Line.WOMEN, Line.UNION), due_on=None)]
    dues = [now - timedelta(hours=1), now + timedelta(days=1), now + timedelta(days=9)]
    lags = [None, now - timedelta(hours=1), now + timedelta(hours=1)]
    for number, village in enumerate(tree.villages):
        make.assignment(tree.tasks[0], tree.unit(village), list(State)[number], due_at=dues[number % 3])
        make.assignment(
            tree.tasks[1],
            tree.unit(village, Line.UNION),
            State.ACKNOWLEDGED,
            due_at=dues[(number + 1) % 3],
            behind_at=lags[number // 2],
        )
    shop_unit = db.session.scalars(select(Unit).where(Unit.area_id == tree.shop.id)).one()
    make.assignment(tree.tasks[0], shop_unit, State.APPROVED)
    make.assignment(tree.tasks[1], tree.unit(tree.townships[0]), State.ISSUED, due_at=None)
    return tree


def expected(work, area: Area, task, now, lines=tuple(Line)) -> Counter:
    """The lights of that subtree, counted one by one."""
    rows = db.session.execute(
        select(Assignment.state, Assignment.due_at, Assignment.behind_at, Assignment.suspended_at)
        .join(Unit, Unit.id == Assignment.unit_id)
        .join(Area, Area.id == Unit.area_id)
        .where(Assignment.task_id == task.id, Area.path.startswith(area.path), Unit.line.in_(lines))
    )
    return Counter(light_of(row.state, row.due_at, row.behind_at, now, row.suspended_at is not None) for row in rows)


def check(work, shown, now, lines=tuple(Line)) -> None:
    areas = {area.id: area for area in db.session.scalars(select(Area))}
    for row in (shown.total, *shown.rows):
        for task in work.tasks:
            cell = row.cells.get(task.id)
            assert Counter(cell.lights if cell else {}) == expected(work, areas[row.place.id], task, now, lines)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_dates_the_board_counts_what_each_assignment_shows(work, now, seed):
    """Random states, dates and clocks that stand still, partly folded: the counts are those of the single lights."""
    chance = Random(seed)
    moments = [None, *(now + timedelta(seconds=second) for second in (-90_000, -1, 0, 1, 90_000, 900_000))]
    tasks = [make.task(work.campaign) for _number in range(3)]
    work.tasks += tasks
    for task in tasks:
        for village in work.villages:
            made = {"due_at": chance.choice(moments), "behind_at": chance.choice(moments)}
            stands_still(make.assignment(task, work.unit(village), chance.choice(list(State)), **made), chance, now)
    with unit_of_work():
        fold(now=now, limit=chance.randint(1, 20))
    reader = work.actor(work.county, Role.DISPATCHER)
    for area in (work.county, work.townships[0], work.villages[0]):
        check(work, board(work.campaign.id, Asked(area.id), actor=reader, now=now), now)


def stands_still(item: Assignment, chance: Random, now) -> None:
    """For one in three a question waits above."""
    if item.state in WITH_OFFICER and chance.random() < 0.3:
        with unit_of_work() as session:
            session.add(Suspension(assignment_id=item.id, began_at=now))
            session.execute(update(Assignment).where(Assignment.id == item.id).values(suspended_at=now))


def test_a_single_cell_says_that_it_awaits_an_answer(work, now):
    item = db.session.scalars(select(Assignment).where(Assignment.state == State.RETURNED)).one()
    stands_still(item, Random(1), now)
    unit = db.session.get_one(Unit, item.unit_id)
    shown = board(work.campaign.id, Asked(unit.area_id), actor=work.actor(work.county, Role.DISPATCHER), now=now)
    cell = shown.total.cells[item.task_id]
    assert (cell.assignment_id, cell.light, cell.suspended, cell.returned) == (item.id, Light.OPEN, True, 1)


@pytest.mark.parametrize("folds", [0, 1, 3, 100])
def test_figures_are_exact_however_much_is_folded(work, now, folds):
    with unit_of_work():
        for _number in range(min(folds, 3)):
            fold(now=now, limit=4 if folds < 100 else 10_000)
    reader = work.actor(work.county, Role.DISPATCHER)
    for area in (work.county, *work.townships, work.villages[0]):
        shown = board(work.campaign.id, Asked(area.id), actor=reader, now=now)
        assert shown.above[-1].id == area.id
        assert [row.place.id for row in shown.rows] == list(
            db.session.scalars(select(Area.id).where(Area.parent_id == area.id).order_by(Area.lft))
        )
        check(work, shown, now)


def test_a_dispatch_that_is_not_folded_yet_is_counted(work, now):
    with unit_of_work():
        db.session.execute(delete(TallyDelta))
        db.session.execute(update(Batch).values(folded=False, due_at=None))
        values = {"state": State.ISSUED, "reviewer_unit_id": None, "due_at": None, "behind_at": None}
        db.session.execute(update(Assignment).values(values))
    shown = board(work.campaign.id, Asked(), actor=work.actor(work.county, Role.DISPATCHER), now=now)
    assert shown.total.whole.lights == {Light.NEW: 14}
    check(work, shown, now)


def test_what_an_area_does_itself_stands_in_a_row_of_its_own(work, now):
    reader = work.actor(work.county, Role.DISPATCHER)
    town = board(work.campaign.id, Asked(work.townships[0].id), actor=reader, now=now)
    assert (town.own.kind, town.own.whole.every) == ("own", 1)
    assert town.own.cells[work.tasks[1].id].assignment_id is not None
    assert board(work.campaign.id, Asked(), actor=reader, now=now).own is None
    village = board(work.campaign.id, Asked(work.villages[0].id), actor=reader, now=now)
    assert [row.place.name for row in village.rows] == ["清河纺织厂"]
    assert village.own.whole.every == 2


def test_a_cell_with_one_assignment_leads_to_it_and_coverage_adds_up(work, now):
    reader = work.actor(work.county, Role.DISPATCHER)
    shown = board(work.campaign.id, Asked(work.townships[1].id), actor=reader, now=now)
    first = shown.rows[0].cells[work.tasks[0].id]
    item = db.session.get_one(Assignment, first.assignment_id)
    assert item.unit_id == work.unit(work.villages[3]).id
    for row in (shown.total, *shown.rows):
        cell = row.whole
        assert cell.approved + cell.pending + cell.returned + cell.missing == cell.total
    assert shown.total.whole.every - shown.total.whole.total == 1  # the cancelled one


def test_a_line_sees_its_own_and_a_party_committee_sees_all(work, now):
    county = make.campaign(work.unit(work.county, Line.PARTY))
    work.tasks = [make.task(county, lines=(Line.WOMEN, Line.UNION))]
    for village in work.villages:
        make.assignment(work.tasks[0], work.unit(village))
        make.assignment(work.tasks[0], work.unit(village, Line.UNION))
    women = board(county.id, Asked(), actor=work.actor(work.townships[0], Role.SUPERVISOR), now=now)
    assert [place.id for place in women.above] == [work.townships[0].id]
    assert women.lines == (Line.WOMEN,)
    check(work, women, now, (Line.WOMEN,))
    party = board(county.id, Asked(), actor=work.actor(work.townships[0], Role.SUPERVISOR, Line.PARTY), now=now)
    assert party.lines == (Line.UNION, Line.WOMEN)
    check(work, party, now)
    issuer = board(
        county.id, Asked(line=Line.UNION), actor=work.actor(work.county, Role.DISPATCHER, Line.PARTY), now=now
    )
    assert issuer.head.dispatcher
    check(work, issuer, now, (Line.UNION,))


def test_outside_the_scope_there_is_no_board(work, now):
    nobody = make.actor(make.person())
    town = work.actor(work.townships[0], Role.SUPERVISOR)
    for actor, asked in ((nobody, Asked()), (town, Asked(work.townships[1].id)), (town, Asked(work.county.id)),
                         (town, Asked(999_999))):  # fmt: skip
        with pytest.raises(NotFound):
            board(work.campaign.id, asked, actor=actor, now=now)


def test_light_and_text_choose_rows_and_sorting_puts_the_urgent_first(work, now):
    reader = work.actor(work.county, Role.DISPATCHER)
    late = board(work.campaign.id, Asked(work.townships[0].id, light=Light.OVERDUE), actor=reader, now=now)
    assert late.rows
    assert all(row.whole.lights[Light.OVERDUE] for row in late.rows)
    found = board(work.campaign.id, Asked(text="东村"), actor=reader, now=now)
    assert [row.place.name for row in found.rows] == ["柳林东村", "石桥东村"]
    assert board(work.campaign.id, Asked(text="%"), actor=reader, now=now).rows == ()
    ranked = board(work.campaign.id, Asked(sort=str(work.tasks[0].id)), actor=reader, now=now)
    counts = [row.cells[work.tasks[0].id].lights.get(Light.OVERDUE, 0) for row in ranked.rows]
    assert counts == sorted(counts, reverse=True)
    by_share = board(work.campaign.id, Asked(sort="coverage"), actor=reader, now=now)
    assert [row.whole.share for row in by_share.rows] == sorted(row.whole.share for row in by_share.rows)


@pytest.mark.parametrize("sort", ["", "coverage"])
def test_pages_follow_each_other_without_gaps(work, now, monkeypatch, sort):
    monkeypatch.setattr(queries, "PAGE", 2)
    reader = work.actor(work.county, Role.DISPATCHER)
    asked = {"area_id": work.townships[0].id, "sort": sort}
    whole = board(work.campaign.id, Asked(**asked, whole=True), actor=reader, now=now)
    first = board(work.campaign.id, Asked(**asked), actor=reader, now=now)
    second = board(work.campaign.id, Asked(**asked, after=first.next), actor=reader, now=now)
    assert [len(first.rows), len(second.rows), second.next, first.previous] == [2, 1, None, None]
    assert (*first.rows, *second.rows) == whole.rows
    back = board(work.campaign.id, Asked(**asked, before=second.previous), actor=reader, now=now)
    assert (back.rows, back.previous, back.next) == (first.rows, None, first.next)


@pytest.mark.parametrize("asked", [{}, {"light": Light.OVERDUE}, {"text": "村"}, {"sort": "coverage"}])
def test_the_number_of_statements_is_fixed(work, now, asked):
    reader = work.actor(work.county, Role.DISPATCHER)
    with statements() as seen:
        board(work.campaign.id, Asked(**asked), actor=reader, now=now)
    assert len(seen) == (5 if "text" in asked else 4)


def test_the_trend_carries_over_what_did_not_change(work, now):
    hours = [now + timedelta(hours=number) for number in range(4)]
    with unit_of_work():
        record_states(hours[0], now=hours[0])
    item = db.session.scalars(select(Assignment).where(Assignment.state == State.ISSUED)).first()
    with unit_of_work():
        due = int(item.due_at.timestamp() * 1_000_000) if item.due_at else 0
        db.session.add(
            TallyDelta(
                task_id=item.task_id,
                unit_id=item.unit_id,
                from_state=item.state,
                to_state=State.APPROVED,
                from_due=due,
                to_due=due,
            )
        )
        record_states(hours[2], now=hours[2])
    tasks = [task.id for task in work.tasks]
    points = trend(tasks, work.county.id, None, since=hours[1], until=hours[3])
    assert [point.slot for point in points] == [hours[0], hours[2]]
    assert [sum(point.states.values()) for point in points] == [14, 14]
    approved = [point.states.get(State.APPROVED, 0) for point in points]
    assert approved[1] == approved[0] + 1
    days = trend(tasks, work.county.id, None, since=hours[0] - timedelta(days=1), until=hours[3], daily=True)
    assert days[-1].states == points[-1].states  # the last of the day is enough to know how it ended
    assert trend(tasks, work.county.id, [Line.CARE], since=hours[0], until=hours[3]) == []
