"""What the pages of metrics and units ask: the same answers on both databases, in few statements."""

from datetime import timedelta

import pytest

from campaign.db import unit_of_work
from campaign.errors import NotFound
from campaign.operations.folding import fold
from campaign.operations.recording import record_states
from campaign.queries.board import Asked
from campaign.queries.board_metrics import figures_page
from campaign.queries.board_slowest import slow_items
from campaign.queries.burden import ask_of, loads_of, reported_already
from campaign.queries.metric_page import AskedMetric, metric_page
from campaign.queries.unit_page import unit_page
from campaign.rules.awaiting import Awaits
from campaign.rules.organisation import Line, Role
from tests import make
from tests.web.boards import statements, trained


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
    assert statements(tree) <= 6
    shown = metric_page(work.sum.id, AskedMetric(line=Line.WOMEN), actor=actor, **seen)
    assert [point.slot for point in shown.points] == [now - timedelta(days=1)]
    page = figures_page(work.campaign.id, Asked(), actor=actor, **seen)
    assert [row.stand.figure for row in page.rows][:1] == [70]
    with pytest.raises(NotFound):
        metric_page(work.sum.id, AskedMetric(work.city.id), actor=actor, **seen)


def test_units_and_what_they_carry(app, now):
    work = trained(now)
    actor = work.actor(work.county, Role.DISPATCHER)
    returned, busy = (work.unit(work.villages[number]) for number in (3, 4))
    page = unit_page(returned.id, actor=actor, now=now, today=make.TODAY)
    assert (page.load.open, [stand.target for _asked, _metric, stand in page.metrics][:2]) == (1, [30, 90])
    town = unit_page(work.unit(work.townships[1]).id, actor=actor, now=now, today=make.TODAY)
    assert [(below.name[:4], below.open) for below in town.below] == [("石桥东村", 1), ("石桥西村", 1), ("石桥新村", 0)]
    found = loads_of([returned.id, busy.id, work.unit(work.villages[0]).id], now=now)
    assert {unit: load.open for unit, load in found.items()} == {returned.id: 1, busy.id: 1}
    again = make.task(make.campaign(work.unit(work.county)), title="再报")
    make.metric(again, name="培训人次", unit_of_measure="人次")
    receives = make.Unit.line == Line.WOMEN
    assert reported_already(again.id, receives, since=now - timedelta(days=1)) == [("培训人次", 4)]
    assert ask_of(again.id, None).fields == 1
    slow = slow_items(work.campaign.id, page_place(work, actor, now), None, now=now)
    assert [item.waits for item in slow] == [Awaits.REVIEW, Awaits.CORRECTION, Awaits.REPORT]


def page_place(work, actor, now):
    return figures_page(work.campaign.id, Asked(), actor=actor, now=now, today=make.TODAY).total.place
