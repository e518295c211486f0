"""An activity of two lines: reported by one, credited to both, once in the total; and figures as they stood before."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import product

import pytest
from sqlalchemy import and_, select, update

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import Invalid
from campaign.models import Area, Assignment, Baseline, Batch
from campaign.operations.areas import import_areas
from campaign.operations.folding import fold
from campaign.operations.issuing import dispatch, reopen
from campaign.operations.recording import record_states
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve
from campaign.queries.assignments import whole
from campaign.queries.board import Asked, head_for
from campaign.queries.board_metrics import figures_page
from campaign.queries.metric_facts import AskedMetric
from campaign.queries.metric_page import metric_page
from campaign.queries.metric_units import Lack, units_page
from campaign.queries.rollup import rollup, rollup_of_each
from campaign.queries.rollup_compared import against_before, baselines_in
from campaign.queries.rollup_past import rollup_at
from campaign.queries.submission import dossier
from campaign.rules import differences
from campaign.rules.former_tree import FormerTree
from campaign.rules.metrics import Aggregation, MetricKind, Value
from campaign.rules.organisation import SYSTEM, Line, Role
from campaign.rules.states import State
from campaign.rules.targets import Compares, Quota
from tests import make
from tests.counting import statements
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("app")


class Together:
    """A task of the county's women for two lines, and the officers of one village."""

    def __init__(self, now):
        self.now = now
        self.tree = tree = make.small_tree()
        plan = make.campaign(tree.unit(tree.county))
        self.task = make.task(plan, lines=[Line.WOMEN, Line.UNION])
        each = {"aggregation": Aggregation.SUM, "quota": Quota.PER_UNIT}
        self.metric = make.metric(self.task, MetricKind.COUNT, 8, **each).id
        self.village = tree.villages[0]
        with unit_of_work():
            dispatch(self.task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)

    def id(self, line):
        unit = self.tree.unit(self.village, line)
        where = (Assignment.task_id == self.task.id, Assignment.unit_id == unit.id)
        return db.session.scalar(select(Assignment.id).where(*where))

    def report(self, line, number, other, share):
        officer = self.tree.actor(self.village, Role.OFFICER, line)
        values = {self.metric: Value(number=Decimal(number))}
        joint = {self.metric: {self.tree.unit(self.village, other).id: Decimal(share)}}
        with unit_of_work():
            acknowledge(self.id(line), actor=officer, now=self.now, seen=1)
        with unit_of_work():
            return submit(self.id(line), Report("已办", values, joint=joint), actor=officer, now=self.now, seen=2)

    def approve(self):
        for turn, place in enumerate((self.tree.townships[0], self.tree.county)):
            boss = self.tree.actor(place, Role.SUPERVISOR)
            with unit_of_work():
                approve(self.id(Line.WOMEN), actor=boss, now=self.now, seen=3 + turn)

    def total(self, place, lines=None):
        found = rollup([self.metric], [place.id], on=self.now.date(), lines=lines)[self.metric, place.id]
        return found.value().number


def test_what_two_lines_did_together_is_credited_to_both_and_counts_once(now):
    story = Together(now)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    officer, union = story.tree.actor(story.village, Role.OFFICER), story.tree.unit(story.village, Line.UNION)
    [asked] = whole(story.id(Line.WOMEN), officer).metrics
    assert [(told.version, told.label, told.value.number) for told in asked.partners] == [(union.id, union.name, 3)]
    shared = dossier(story.id(Line.WOMEN), officer).latest.joint[story.metric]
    assert shared == (differences.Together(union.id, union.name, Decimal(3)),)
    story.approve()
    for place in (story.village, story.tree.county):  # of the leaf from the facts, of the county with what is pending
        assert [story.total(place, lines) for lines in ([Line.WOMEN], [Line.UNION], None)] == [10, 3, 10]
    with pytest.raises(Invalid) as refused:
        story.report(Line.UNION, 5, Line.WOMEN, 3)
    assert "reported this with you already" in str(refused.value.problems[0].sentence)


def test_two_who_report_the_same_in_one_instant_are_not_both_credited(app, now):
    story = Together(now)
    acts = []
    for line, other in ((Line.WOMEN, Line.UNION), (Line.UNION, Line.WOMEN)):
        officer, mine = story.tree.actor(story.village, Role.OFFICER, line), story.id(line)
        with unit_of_work():
            acknowledge(mine, actor=officer, now=now, seen=1)
        joint = {story.metric: {story.tree.unit(story.village, other).id: Decimal(3)}}
        report = Report("已办", {story.metric: Value(number=Decimal(10))}, joint=joint)
        acts.append(partial(submit, mine, report, actor=officer, now=now, seen=2))
    answers = at_once(app, *acts)
    assert sorted(isinstance(answer, Invalid) for answer in answers) == [False, True]


def test_only_who_is_asked_the_same_in_the_same_place_can_be_named(now):
    story = Together(now)
    elsewhere = story.tree.unit(story.tree.villages[1], Line.UNION)
    officer = story.tree.actor(story.village, Role.OFFICER, Line.WOMEN)
    with unit_of_work():
        acknowledge(story.id(Line.WOMEN), actor=officer, now=now, seen=1)
    asked = and_(Assignment.task_id == story.task.id, Assignment.id == story.id(Line.UNION))

    def refused(unit) -> str:
        report = Report("已办", {story.metric: Value(number=Decimal(10))}, joint={story.metric: {unit.id: Decimal(3)}})
        with pytest.raises(Invalid) as found, unit_of_work():
            submit(story.id(Line.WOMEN), report, actor=officer, now=now, seen=2)
        return str(found.value.problems[0].sentence)

    assert "not asked for this here" in refused(elsewhere)
    with unit_of_work():
        db.session.execute(update(Assignment).where(asked).values(state=State.NOT_APPLICABLE))
    assert "not asked for this here" in refused(story.tree.unit(story.village, Line.UNION))
    assert whole(story.id(Line.WOMEN), officer).metrics[0].partners == ()


def test_a_reopened_assignment_counts_as_missing_until_it_is_approved_again(now):
    story = Together(now)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    story.approve()
    with unit_of_work():
        boss = story.tree.actor(story.tree.county, Role.DISPATCHER)
        later = now + timedelta(hours=1)
        reopen(story.id(Line.WOMEN), actor=boss, now=later, seen=5, reason="数字有误，请核对")
    county = rollup([story.metric], [story.tree.county.id], on=now.date())[story.metric, story.tree.county.id]
    assert (county.approved, county.missing, county.asked) == (0, 12, 12)
    assert (story.total(story.tree.county), story.total(story.tree.county, [Line.UNION])) == (0, 0)


def test_the_figures_of_each_line_and_of_all_are_read_at_once(now):
    story = Together(now)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    story.approve()
    lines, on = (Line.WOMEN, Line.UNION, Line.PARTY), now.date()
    places = [story.tree.county.id, *(area.id for area in (*story.tree.townships, *story.tree.villages))]
    for _folded in range(2):
        each, together = rollup_of_each([story.metric], places, lines, on=on)
        for told, of in ((each[line], [line]) for line in lines):
            assert _told(told) == _told(rollup([story.metric], places, on=on, lines=of))
        assert _told(together) == _told(rollup([story.metric], places, on=on))
        with unit_of_work():
            fold(now=now)


def _told(rolled) -> list:
    return [(key, one.value(), one.own_target, one.asked, one.units_met) for key, one in rolled.items()]


def test_figures_are_told_as_they_stood_at_a_moment(now):
    story = Together(now)
    before = now - timedelta(minutes=1)
    story.now = now + timedelta(hours=1)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    waiting, story.now = story.now, story.now + timedelta(hours=1)
    story.approve()
    approved, story.now = story.now, story.now + timedelta(hours=1)
    with unit_of_work():
        boss = story.tree.actor(story.tree.county, Role.DISPATCHER)
        reopen(story.id(Line.WOMEN), actor=boss, now=story.now, seen=5, reason="数字有误，请核对")
    for place in (story.tree.county, story.village):
        seen = []
        for moment in (before, now, waiting, approved, story.now):
            rolled = rollup_at([story.metric], place.id, at=moment, lines=[Line.WOMEN])[story.metric]
            seen.append((rolled.asked, rolled.missing, rolled.pending, rolled.approved, int(rolled.value().number)))
        many = seen[1][0]
        assert seen == [(0,) * 5, (many, many, 0, 0, 0), (many, many - 1, 1, 0, 0), (many, many - 1, 0, 1, 10),
                        (many, many, 0, 0, 0)]  # fmt: skip
        asked = Asked(area_id=place.id, line=Line.WOMEN)
        ask = {"actor": SYSTEM, "now": story.now, "today": now.date()}
        figures_page(story.task.campaign_id, asked, at=approved, **ask)
        with statements() as sent:
            page = figures_page(story.task.campaign_id, asked, at=approved, **ask)
        assert [(row.stand.rolled.asked, row.stand.rolled.approved, row.stand.figure) for row in page.rows] == [
            (many, 1, 10),
        ]  # fmt: skip
        assert (page.at, len(sent)) == (approved, 5)
        assert not figures_page(story.task.campaign_id, asked, at=before, **ask).rows
        today = rollup([story.metric], [place.id], on=now.date(), lines=[Line.WOMEN])[story.metric, place.id]
        assert (today.asked, today.missing) == (many, many)


def named(story, place, lack=Lack.ANY, after=()):
    asked = AskedMetric(area_id=place.id, line=Line.WOMEN)
    return units_page(story.metric, asked, lack, actor=SYSTEM, today=story.now.date(), after=after).rows


def test_who_does_not_meet_yet_is_named_page_by_page_and_baselines_follow_mergers(now):
    story = Together(now)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    story.approve()
    with unit_of_work():
        fold(now=now)
    rows = named(story, story.tree.county)
    assert len(rows) == len(story.tree.villages) - 1
    assert story.tree.unit(story.village).name not in [row.name for row in rows]
    rest = named(story, story.tree.county, after=(rows[1].lft, rows[1].unit_id, rows[1].period))
    assert rest == rows[2:]
    old, new = story.tree.villages[0], story.tree.villages[-1]
    unasked = make.metric(make.task(story.task.campaign), aggregation=Aggregation.SUM).id
    with unit_of_work():
        for metric, (place, number) in product((story.metric, unasked), ((old, 4), (new, 5))):
            row = {"metric_id": metric, "unit_id": story.tree.unit(place).id, "at": now, "source": "2025"}
            db.session.add(Baseline(**row, number=Decimal(number)))
        db.session.execute(update(Area).where(Area.id == old.id).values(successor_id=new.id))
    places = [db.session.get_one(Area, place.id) for place in (new, old, story.tree.county)]
    found = baselines_in([story.metric, unasked], places, FormerTree(), lines=[Line.WOMEN])
    there = {(metric == unasked, place): before.value.number for (metric, place), before in found.items()}
    county_id = story.tree.county.id  # who was asked before it was merged reports for itself, and is compared there
    assert there == {
        (False, old.id): 4, (False, new.id): 5, (False, county_id): 9, (True, new.id): 9, (True, county_id): 9,
    }  # fmt: skip
    county = rollup([story.metric], [story.tree.county.id], on=now.date(), lines=[Line.WOMEN])
    told = against_before(county[story.metric, story.tree.county.id], found[story.metric, story.tree.county.id])
    assert told is not None
    assert (told.before, told.change, told.held, told.whole) == (9, 1, True, False)
    first, last = story.tree.townships[0], story.tree.townships[-1]
    row = (new.code, new.name, "village", first.code)
    with unit_of_work():  # it moves after the campaign was issued, and counts where it stood
        import_areas(
            table_of("areas.csv", ("code", "name", "level", "parent_code"), [row]), actor=SYSTEM,
            now=now + timedelta(days=1),
        )  # fmt: skip
    places = [db.session.get_one(Area, place.id, populate_existing=True) for place in (first, last)]
    then = baselines_in([story.metric], places, head_for(story.task.campaign_id, SYSTEM).tree, lines=[Line.WOMEN])
    assert {key: before.value.number for key, before in then.items()} == {
        (story.metric, first.id): 4, (story.metric, last.id): 5,
    }  # fmt: skip
    moved = story.tree.unit(new).name
    for township, there in ((first, False), (last, True)):
        assert (moved in [row.name for row in named(story, township)]) is there


def test_last_year_is_told_up_to_the_same_day(now):
    """One village was approved with 10 before this day of last year, another with 20 after it. Areas are told from the
    record of the clock, villages from the log; of what began later than that day only the whole can be told."""
    story = Together(now - timedelta(days=375))
    first, second = story.tree.villages[:2]
    for place, number, days in ((first, 10, 1), (second, 20, 200)):
        story.village, story.now = place, now - timedelta(days=375 - days)
        story.report(Line.WOMEN, number, Line.UNION, 3)
        story.approve()
        slot = story.now + timedelta(hours=1)
        with unit_of_work():
            record_states(slot, now=slot)
    task = make.task(make.campaign(story.tree.unit(story.tree.county)), lines=[Line.WOMEN])
    kept = {"aggregation": Aggregation.SUM, "compares": Compares.LAST_YEAR, "former_metric_id": story.metric}
    metric = make.metric(task, target=50, **kept)
    with unit_of_work():
        dispatch(task.id, actor=story.tree.actor(story.tree.county, Role.DISPATCHER), now=now)
    ask = {"actor": SYSTEM, "now": now, "today": now.date()}

    def told(place):
        page = figures_page(task.campaign_id, Asked(area_id=place.id), **ask)
        shown = metric_page(metric.id, AskedMetric(area_id=place.id), **ask)
        assert [row.against for row in page.rows] == [shown.total.against]
        rows = (shown.total.against, *(row.against for row in shown.rows))
        return [each and (each.before, each.until, each.units) for each in rows]

    day = now.date().replace(year=now.year - 1)
    assert told(story.tree.county) == [(10, day, 1), (10, day, 1), None]
    assert told(story.tree.townships[0]) == [(10, day, 1), (10, day, 1), None, None]
    assert told(first) == [(10, day, 1)]
    with unit_of_work():
        late = {"dispatched_at": now - timedelta(days=9)}
        db.session.execute(update(Batch).where(Batch.dispatched_at < now).values(late))
    assert told(story.tree.county) == [(30, None, 2), (30, None, 2), None]
