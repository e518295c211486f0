"""What the pages of metrics and units ask: the same answers on both databases, in few statements."""

from dataclasses import astuple
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import NotFound
from campaign.models import Assignment, Baseline, Batch, Joint, Metric, MetricValue, Share, Submission, TallyDelta
from campaign.models.targets import Target
from campaign.operations.areas import import_areas
from campaign.operations.folding import fold
from campaign.operations.recording import record_states
from campaign.queries.board import Asked, board, head_for
from campaign.queries.board_metrics import figures_page
from campaign.queries.board_slowest import slow_items
from campaign.queries.burden import loads_asked, loads_from, reported_already
from campaign.queries.campaigns import head_of as campaign_head
from campaign.queries.metric_facts import AskedMetric
from campaign.queries.metric_page import metric_page
from campaign.queries.rollup_compared import a_year_before
from campaign.queries.rollup_past import rollup_at
from campaign.queries.unit_page import unit_page
from campaign.rules.awaiting import Awaits
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.states import State
from campaign.rules.targets import Compares
from tests import make
from tests.web.boards import cost, trained


def test_pages_of_figures_say_the_same_before_and_after_the_fold(app, now):
    work = trained(now)
    actor, seen = work.actor(work.county, Role.DISPATCHER), {"now": now, "today": make.TODAY}

    def tree():
        shown = metric_page(work.sum.id, AskedMetric(), actor=actor, **seen)
        return [(row.place.name, row.stand.figure, row.stand.target, row.gap) for row in (shown.total, *shown.rows)]

    expected = [("清河县", 70, 200, 8), ("柳林镇", 65, 90, None), ("石桥乡", 5, 90, None)]
    assert tree() == expected
    with unit_of_work():
        while fold(now=now):
            pass
        record_states(now - timedelta(days=1), now=now)
    assert tree() == expected
    assert cost(tree) <= 6
    shown = metric_page(work.sum.id, AskedMetric(line=Line.WOMEN), actor=actor, **seen)
    assert [point.slot for point in shown.points] == [now - timedelta(days=1)]
    page = figures_page(work.campaign.id, Asked(), actor=actor, **seen)
    assert [row.stand.figure for row in page.rows][:1] == [70]
    with pytest.raises(NotFound):
        metric_page(work.sum.id, AskedMetric(work.city.id), actor=actor, **seen)


def test_what_was_cancelled_gives_no_area_its_target(app, now):
    """Neither the target of its own unit, nor the part that it was given: these are nobody's any more."""
    work = trained(now)
    actor, town = work.actor(work.county, Role.DISPATCHER), work.townships[0]
    gone = make.assignment(work.task, work.unit(town), State.CANCELLED)
    with unit_of_work() as session:
        key = {"metric_id": work.sum.id, "allocation_id": work.allocation_id, "value": Decimal(7)}
        session.add_all([Share(unit_id=work.unit(town).id, **key), Target(assignment_id=gone.id, **key)])
    shown = metric_page(work.sum.id, AskedMetric(area_id=town.id), actor=actor, now=now, today=make.TODAY)
    assert shown.total.stand.target == 90
    page = figures_page(work.campaign.id, Asked(area_id=town.id), actor=actor, now=now, today=make.TODAY)
    assert page.rows[0].stand.target is None
    make.assignment(work.task, work.unit(work.townships[1]), State.ISSUED)
    nobody = {"state": State.CANCELLED, "reviewer_unit_id": None}
    with unit_of_work() as session:  # all who were given a part are asked no more: all of it is a gap, not unknown
        session.execute(update(Assignment).where(Assignment.state != State.ISSUED).values(nobody))
    shown = metric_page(work.sum.id, AskedMetric(), actor=actor, now=now, today=make.TODAY)
    assert (shown.total.split.given, shown.total.gap) == (0, 188)


def test_what_was_credited_to_a_unit_that_is_asked_no_more_stands_in_its_row(app, now):
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), lines=(Line.WOMEN, Line.UNION))
    metric, village = make.metric(task, aggregation=Aggregation.SUM), tree.villages[0]
    done = make.assignment(task, tree.unit(village), State.APPROVED)
    make.assignment(task, tree.unit(village, Line.UNION), State.CANCELLED)
    make.assignment(task, tree.unit(tree.villages[1], Line.UNION), State.ACKNOWLEDGED)
    with unit_of_work() as session:
        submitted = session.scalar(select(Submission.id).where(Submission.assignment_id == done.id))
        session.add(MetricValue(submission_id=submitted, metric_id=metric.id, number=Decimal(10)))
        partner = tree.unit(village, Line.UNION).id
        joint = {"submission_id": submitted, "metric_id": metric.id, "number": Decimal(5)}
        session.add(Joint(partner_unit_id=partner, **joint))
        session.execute(update(Batch).values(folded=False))
        session.execute(update(TallyDelta).values(from_state=State.ISSUED))
    asked = AskedMetric(area_id=tree.townships[0].id, line=Line.UNION)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    shown = metric_page(metric.id, asked, actor=actor, now=now, today=make.TODAY)
    assert shown.total.stand.figure == 5
    rows = [(row.kind, row.stand.figure, row.stand.rolled.asked) for row in shown.rows]
    assert rows == [("leaf", 5, 0), ("leaf", 0, 1)]


def test_units_and_what_they_carry(app, now):
    work = trained(now)
    actor = work.actor(work.county, Role.DISPATCHER)
    returned, busy = (work.unit(work.villages[number]) for number in (3, 4))
    page = unit_page(returned.id, actor=actor, now=now, today=make.TODAY)
    assert (page.load.open, [stand.target for _asked, _metric, stand in page.metrics][:2]) == (1, [30, 90])
    town = unit_page(work.unit(work.townships[1]).id, actor=actor, now=now, today=make.TODAY)
    assert [(below.name[:4], below.open) for below in town.below] == [("石桥东村", 1), ("石桥西村", 1), ("石桥新村", 0)]
    idle, beside = work.unit(work.villages[0]), work.unit(work.villages[0], Line.UNION)
    ids = select(make.Unit.id).where(make.Unit.id.in_([returned.id, busy.id, idle.id, beside.id]))
    found = loads_from(db.session.execute(loads_asked(ids, actor=actor)), now)
    carried = {unit: (each.load.open, each.open) for unit, each in found.items()}
    assert carried == {returned.id: (1, True), busy.id: (1, True), idle.id: (0, True), beside.id: (0, False)}
    again = make.task(make.campaign(work.unit(work.county)), title="再报")
    make.metric(again, name="培训人次", unit_of_measure="人次")
    receives = make.Unit.line == Line.WOMEN
    told = reported_already(again.id, receives, since=make.TODAY - timedelta(days=1))
    assert db.session.execute(told).all() == [("培训人次", 4)]
    slow = slow_items(head_for(work.campaign.id, actor), page_place(work, actor, now), None, actor=actor, now=now)
    assert [item.waits for item in slow] == [Awaits.REVIEW, Awaits.CORRECTION, Awaits.REPORT]


def test_a_figure_stands_beside_its_baseline_and_beside_last_year(app, now):
    """The county has approved 70 of the sum; three villages have a baseline, two of them in the first town; last year's
    campaign had 50 approved there. A turn of a recurring task stands beside the one that began a year before."""
    work = trained(now)
    actor, seen = work.actor(work.county, Role.DISPATCHER), {"now": now, "today": make.TODAY}
    last = make.task(make.campaign(work.unit(work.county), title="去年"))
    was = make.metric(last, aggregation=Aggregation.SUM, name="培训人次")
    done = [make.assignment(last, work.unit(village), State.APPROVED) for village in work.villages[:2]]
    with unit_of_work() as session:
        for assignment, number in zip(done, (30, 20), strict=True):
            submitted = session.scalar(select(Submission.id).where(Submission.assignment_id == assignment.id))
            session.add(MetricValue(submission_id=submitted, metric_id=was.id, number=Decimal(number)))
        for village, number in zip((*work.villages[:2], work.villages[5]), (50, 30, 10), strict=True):
            row = {"metric_id": work.sum.id, "unit_id": work.unit(village).id, "at": now, "source": "2025"}
            session.add(Baseline(**row, number=Decimal(number)))
        session.execute(update(Batch).values(folded=False))
        session.execute(update(TallyDelta).values(from_state=State.ISSUED))

    def against(compares, former=None):
        with unit_of_work() as session:
            change = {"compares": compares, "former_metric_id": former}
            session.execute(update(Metric).where(Metric.id == work.sum.id).values(change))
        shown = metric_page(work.sum.id, AskedMetric(), actor=actor, **seen)
        rows = [(row.against and astuple(row.against)[:6]) for row in (shown.total, *shown.rows)]
        page = figures_page(work.campaign.id, Asked(), actor=actor, **seen)
        assert next(astuple(row.against)[:6] if row.against else None for row in page.rows) == rows[0]
        assert cost(lambda: metric_page(work.sum.id, AskedMetric(), actor=actor, **seen)) <= 8
        assert cost(lambda: figures_page(work.campaign.id, Asked(), actor=actor, **seen)) <= 6
        return rows

    assert against(Compares.BASELINE) == [
        (90, -20, Decimal(-2000) / 90, False, 3, 6), (80, -15, Decimal("-18.75"), False, 2, 3),
        (10, -5, Decimal(-50), False, 1, 3),
    ]  # fmt: skip
    assert against(Compares.LAST_YEAR, was.id) == [(50, 20, 40, True, 2, 6), (50, 15, 30, True, 2, 3), None]
    assert against(Compares.NOTHING) == [None] * 3
    days = "1:2025-01-01,2:2025-02-01,13:2026-01-05,14:2026-02-03,15:2026-03-02"
    found = [a_year_before(days, turn) for turn in (1, 13, 14, 15, 16)]
    assert found == [None, 1, 2, None, None], "within twenty days of a year"


def test_boards_walk_the_tree_of_the_day_of_the_campaign(app, now):
    """A village moves to the other town, first with nothing folded, then folded: its figures stay where they add up."""
    work = trained(now)
    work.campaign.issued_at = now
    db.session.commit()
    actor, later = work.actor(work.county, Role.DISPATCHER), now + timedelta(days=2)
    home, other, village = work.townships[0], work.townships[1], work.villages[0]
    before = {place.id: rows_of(work, place, actor, later) for place in (work.county, home, other)}
    row = (village.code, village.name, "village", other.code)
    with unit_of_work():
        moved = table_of("areas.csv", ("code", "name", "level", "parent_code"), [row])
        import_areas(moved, actor=SYSTEM, now=now + timedelta(days=1))
    for folded in (False, True):
        for place in (work.county, home, other):
            rows = rows_of(work, place, actor, later)
            assert [row[1:] for row in rows] == [row[1:] for row in before[place.id]], folded
        there = rows_of(work, home, actor, later)
        assert [name for name, *_ in there if name] == [other.name] * 2
        assert rows_of(work, village, actor, later)
        supervisor = work.actor(home, Role.SUPERVISOR)
        assert rows_of(work, village, supervisor, later), "who saw its figures on that day sees them still"
        slow = slow_items(
            head_for(work.campaign.id, actor),
            board_of(work, home, actor, later).total.place,
            None,
            actor=actor,
            now=now,
        )
        assert len(slow) == len(slow_items(head_for(work.campaign.id, actor), home, None, actor=actor, now=now))
        with unit_of_work():
            while fold(now=later):
                pass


def test_an_organisation_stays_with_the_village_of_the_day(app, now):
    """It goes to a village of the other town: on every page its report stays where it was asked."""
    work = trained(now)
    home, other = work.villages[0], work.villages[5]
    shop = make.area("三江饲料厂", Level.ORGANISATION, home)
    for each in (home, other):
        db.session.refresh(each)
    done = make.assignment(work.task, make.unit(shop), State.APPROVED)
    with unit_of_work() as session:
        submitted = session.scalar(select(Submission.id).where(Submission.assignment_id == done.id))
        session.add(MetricValue(submission_id=submitted, metric_id=work.sum.id, number=Decimal(7)))
        while fold(now=now):
            pass
    actor, later = work.actor(work.county, Role.DISPATCHER), now + timedelta(days=2)
    places = (work.county, *work.townships, home, other)

    def everywhere():
        grid = {place.id: board_of(work, place, actor, later).total.whole.states for place in places}
        past = {place.id: rollup_at([work.sum.id], place.id, at=later)[work.sum.id].asked for place in places}
        return grid, past, *(rows_of(work, place, actor, later) for place in (*work.townships, home))

    before = everywhere()
    assert (before[1][home.id], before[1][other.id]) == (2, 1)
    with unit_of_work():
        moved = table_of("areas.csv", ("code", "name", "level", "parent_code", "kind"),
                         [(shop.code, shop.name, "organisation", other.code, "enterprise")])  # fmt: skip
        import_areas(moved, actor=SYSTEM, now=now + timedelta(days=1))
    after = everywhere()
    assert after[:2] == before[:2]
    assert [[row[1:] for row in rows] for rows in after[2:]] == [[row[1:] for row in rows] for rows in before[2:]]
    seen = campaign_head(work.campaign.id, actor)
    assert seen is not None and [move.area_id for move in seen.tree.moves] == [shop.id]


def board_of(work, place, actor, now):
    return board(work.campaign.id, Asked(area_id=place.id), actor=actor, now=now)


def rows_of(work, place, actor, now):
    """Every row of the board and of a metric's page there: where it stands today, its name and its figures; the rows
    add up to the whole."""
    shown = board_of(work, place, actor, now)
    parts = [*([shown.own] if shown.own else []), *shown.rows]
    assert not parts or sum(row.whole.total for row in parts) == shown.total.whole.total
    asked = AskedMetric(area_id=place.id)
    metric = metric_page(work.sum.id, asked, actor=actor, now=now, today=make.TODAY)
    assert not metric.rows or sum(row.stand.figure for row in metric.rows) == metric.total.stand.figure
    grid = [(row.place.today, row.place.id, row.kind, row.whole.states) for row in (shown.total, *parts)]
    tree = [(row.place.today, row.place.id, row.kind, row.stand.figure, row.stand.target) for row in metric.rows]
    return sorted([*grid, *tree], key=lambda row: (len(row), row[1:3]))


def page_place(work, actor, now):
    return figures_page(work.campaign.id, Asked(), actor=actor, now=now, today=make.TODAY).total.place
