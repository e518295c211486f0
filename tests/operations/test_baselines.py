"""Baselines: frozen from last year's figure or pasted, once for each unit, by those who issue."""

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Invalid, Refused
from campaign.models import Baseline, Event
from campaign.operations.baselines import freeze_former, paste_baselines
from campaign.operations.reporting import Report, submit
from campaign.operations.reviewing import approve
from campaign.rules.metrics import MetricKind, Value
from campaign.rules.organisation import Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from campaign.rules.targets import Compares
from tests import make


def test_last_year_is_frozen_once_and_pasted_figures_fill_the_rest(app, now):
    tree = make.small_tree()
    county, villages = tree.unit(tree.county), [tree.unit(place) for place in tree.villages[:3]]
    dispatcher = tree.actor(tree.county, Role.DISPATCHER)
    campaign = make.campaign(county, "去年的活动")
    old, task = make.task(campaign), make.task(make.campaign(county))
    former = make.metric(old, MetricKind.RATE, name="建会率")
    metric = make.metric(task, MetricKind.RATE, name="建会率", compares=Compares.BASELINE, former_metric_id=former.id)
    other = make.metric(task, name="不比较")
    for number, village in enumerate(villages[:2], start=1):
        done = make.assignment(old, village, State.ACKNOWLEDGED)
        officer = tree.actor(tree.villages[number - 1], Role.OFFICER)
        with unit_of_work():
            report = Report(values={former.id: Value(numerator=number, denominator=4)})
            submit(done.id, report, actor=officer, now=now, seen=done.version)
        for place in (tree.townships[0], tree.county) if number == 1 else ():  # the other still waits
            with unit_of_work():
                stands = db.session.get_one(make.Assignment, done.id, populate_existing=True)
                approve(done.id, actor=tree.actor(place, Role.SUPERVISOR), now=now, seen=stands.version)
    for _time in range(2):
        with unit_of_work():
            assert freeze_former(metric.id, actor=dispatcher, now=now) == (1 if _time == 0 else 0)
    called = [villages[0].name, f" {villages[1].name[0]}　{villages[1].name[1:]}", tree.villages[2].name[:-1]]
    lines = "\n".join(f"{place}\t{name}\t{place - 1}\t8" for place, name in enumerate(called, 1))
    with unit_of_work():
        frozen = paste_baselines(metric.id, lines, " 2025年 年报 ", actor=dispatcher, now=now)
    assert (frozen.units, frozen.pasted.bad) == (2, [])
    rows = db.session.execute(
        select(Baseline.unit_id, Baseline.numerator, Baseline.denominator, Baseline.source).order_by(Baseline.unit_id)
    )
    assert rows.tuples().all() == [
        (villages[0].id, 1, 4, "去年的活动"),
        (villages[1].id, 1, 8, "2025年 年报"),
        (villages[2].id, 2, 8, "2025年 年报"),
    ]
    logged = db.session.scalars(select(Event.tag).where(Event.tag == "campaign:baseline:freeze")).all()
    assert len(logged) == 2
    with pytest.raises(Invalid):
        paste_baselines(metric.id, lines, "", actor=dispatcher, now=now)
    with pytest.raises(Refused):
        freeze_former(other.id, actor=dispatcher, now=now)
    with pytest.raises(Forbidden):
        freeze_former(metric.id, actor=tree.actor(tree.townships[0], Role.SUPERVISOR), now=now)
    with unit_of_work():
        db.session.get_one(
            make.Campaign, db.session.get_one(make.Task, task.id).campaign_id
        ).status = CampaignStatus.DRAFT
        with pytest.raises(Refused):
            freeze_former(metric.id, actor=dispatcher, now=now)
