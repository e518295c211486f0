"""A random re-check as a whole: drawn by a seed, given to others, reported on, drawn again by anybody."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import Forbidden, Invalid, NotFound, Refused, Stale
from campaign.models import Assignment, Event, Notice, SampleItem, Unit
from campaign.models.drawing import draw
from campaign.operations.areas import import_areas
from campaign.operations.issuing import dispatch, reopen
from campaign.operations.rechecks import draw_sample, report_result
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.operations.reviewing import approve
from campaign.queries import rechecks as reading
from campaign.queries.metric_facts import AskedMetric
from campaign.queries.metric_page import metric_page
from campaign.queries.submission import dossier
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import SYSTEM, Level, Role
from campaign.rules.rechecks import RecheckResult
from tests import make

HOUR = timedelta(hours=1)


@pytest.fixture
def work(app, now):
    """Six villages approved by their township alone; the last one only later."""
    tree = make.small_tree()
    tree.task = make.task(make.campaign(tree.unit(tree.county)), review_levels="4")
    tree.metric = make.metric(tree.task, aggregation=Aggregation.SUM, required=False)
    with unit_of_work():
        dispatch(tree.task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    tree.ids = {}
    for at, village in enumerate(tree.villages):
        unit, officer = tree.unit(village), tree.actor(village, Role.OFFICER)
        mine = db.session.execute(select(Assignment.id).where(Assignment.unit_id == unit.id)).scalar_one()
        tree.ids[unit.id] = mine
        when = now + (3 * HOUR if at == 5 else HOUR)
        with unit_of_work():
            acknowledge(mine, actor=officer, now=now, seen=1)
            submit(mine, Report("办完了"), actor=officer, now=now, seen=2)
            approve(mine, actor=tree.actor(tree.townships[at // 3], Role.SUPERVISOR), now=when, seen=3)
    return tree


SEED = "2026-11-20 双色球 07"


@pytest.fixture
def sample(work, now):
    """A draw two hours later, as it was previewed; its id."""
    later = now + 2 * HOUR
    work.seen = draw(work.task.id, Level.TOWNSHIP, 40, SEED, at=later)
    work.wish = {
        "level": Level.TOWNSHIP, "share": 40, "seed": SEED, "drawn_at": later, "reason": "例行抽查",
        "previewed": work.seen.digest, "now": later,
    }  # fmt: skip
    with unit_of_work():
        return draw_sample(work.task.id, actor=work.actor(work.county, Role.DISPATCHER), **work.wish)


def officer_of(work, unit_id):
    return next(work.actor(area, Role.OFFICER) for area in work.villages if work.unit(area).id == unit_id)


def test_the_seed_decides_and_nobody_checks_their_own(work, sample, now):
    seen, later = work.seen, now + 2 * HOUR
    assert (seen.population, sorted(seen.sizes.values()), len(seen.picks)) == (5, [2, 3], 3), "rounded up in each"
    assert draw(work.task.id, Level.TOWNSHIP, 40, SEED, at=later) == seen
    seeds = {tuple(draw(work.task.id, Level.TOWNSHIP, 40, f"{n}", at=later).ids) for n in range(20)}
    assert len(seeds) > 3, "another seed, another list"
    superior = dict(db.session.execute(select(Unit.id, Unit.superior_id)).all())
    for pick in seen.picks:
        assert pick.unit_id not in (None, pick.chance.unit_id, *pick.chance.chain)
        assert superior[pick.unit_id] == pick.chance.superior_id, "a unit beside it"
    dispatcher = work.actor(work.county, Role.DISPATCHER)
    for who, change, refusal in (
        (work.actor(work.townships[0], Role.SUPERVISOR), {}, Forbidden),
        (dispatcher, {"previewed": "another"}, Stale),
        (dispatcher, {"reason": " "}, Invalid),
        (dispatcher, {"share": 0}, Invalid),
    ):
        with pytest.raises(refusal), unit_of_work():
            draw_sample(work.task.id, actor=who, **(work.wish | change))
    told = db.session.execute(select(func.count()).select_from(Notice).where(Notice.tag == "recheck:sample:draw"))
    assert told.scalar() == len({pick.unit_id for pick in seen.picks}), "one officer in each unit that checks"


def test_what_is_found_marks_the_figures(work, sample, now):
    pick = work.seen.picks[0]
    checker, checked = officer_of(work, pick.unit_id), officer_of(work, pick.chance.unit_id)
    mine = pick.chance.id
    assert dossier(mine, checker) is None and dossier(mine, checker, checking=True) is not None
    report = {"now": now + 3 * HOUR, "result": RecheckResult.DIFFERS}
    for who, words, refusal in ((checked, "", NotFound), (checker, "", Invalid), (checker, "名册只有 3 人", None),
                                (checker, "再报", Refused)):  # fmt: skip
        with pytest.raises(refusal) if refusal else nullcontext(), unit_of_work():
            report_result(sample, mine, actor=who, words=words, **report)
    boss, there = work.actor(work.county, Role.DISPATCHER), {work.unit(town).id: town.id for town in work.townships}
    wanted = {"county": work.county.id, "there": there.pop(pick.chance.superior_id), "beside": there.popitem()[1]}

    def found() -> dict:
        ask = {"actor": boss, "now": now, "today": now.date()}
        return {n: metric_page(work.metric.id, AskedMetric(area_id=id), **ask).checked for n, id in wanted.items()}

    before = found()
    whole = before["county"]
    assert (whole.drawn, whole.checked, whole.differs, whole.share) == (3, 1, 1, 0.0)
    assert (before["there"].differs, before["beside"].differs) == (1, 0)
    assert before["there"].drawn + before["beside"].drawn == 3
    village = next(each for each in work.villages if work.unit(each).id == pick.chance.unit_id)
    other = next(each for each in work.townships if each.id == wanted["beside"])
    with unit_of_work():  # its figures stay where they add up, and what was found of them; the draw too
        row = (village.code, village.name, "village", other.code)
        moved = table_of("areas.csv", ("code", "name", "level", "parent_code"), [row])
        import_areas(moved, actor=SYSTEM, now=now + 5 * HOUR)
    assert found() == before
    (kept,) = reading.samples(boss)
    assert reading.redrawn(kept).same_list
    assert db.session.query(Event).filter_by(tag="assignment:recheck:result").count() == 1


def test_anybody_draws_the_same_again(app, work, sample, now):
    first, *others = work.seen.picks
    with unit_of_work():  # what was drawn may be reopened; the draw of then stays what it was
        dispatcher = work.actor(work.county, Role.DISPATCHER)
        reopen(others[0].chance.id, actor=dispatcher, now=now + 4 * HOUR, seen=4, reason="补材料")
    (kept,) = reading.samples(officer_of(work, first.unit_id))
    again = reading.redrawn(kept)
    assert (again.same_population, again.same_list, again.population) == (True, True, 5)
    assert find_breaches(app.extensions["evidence"]) == []
    with unit_of_work():  # somebody who changes the list afterwards is found out
        db.session.query(SampleItem).filter_by(assignment_id=first.chance.id).delete()
        left = next(id for id in work.ids.values() if id not in work.seen.ids)
        row = {
            "stratum_id": work.townships[0].id,
            "unit_id": first.unit_id,
            "submission_id": first.chance.submission_id,
        }
        db.session.add(SampleItem(sample_id=sample, assignment_id=left, **row))
    assert not reading.redrawn(kept).same_list
