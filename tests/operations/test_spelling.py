"""Names are spelled by the clock, once each, and found by their pinyin and by its initials."""

import pytest

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Spelling
from campaign.operations.spelling import sounds_of, spell
from campaign.queries import accounts, drafts, organisation, queue
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.states import State
from tests import make


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("东湾村", "dongwancun dwc"),
        ("六安市", "luanshi las liuanshi las"),
        ("单县", "danxian dx chanxian cx shanxian sx"),
        ("绿水村", "lvshuicun lsc lushuicun lsc"),
        ("A12村", "a12cun ac"),
        ("Administrator", ""),
    ],
)
def test_how_a_name_sounds(name, sounds):
    assert sounds_of(name) == sounds


def test_what_is_spelled_is_found_by_letters(app, now, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: now)
    county = make.area("单县", level=Level.COUNTY)
    town = make.area("石桥镇", Level.TOWNSHIP, county)
    village = make.area("东湾村", Level.VILLAGE, town)
    units = {area: make.unit(area, Line.PARTY) for area in (county, town, village)}
    boss = make.actor(make.holder(units[county], Role.ADMINISTRATOR, name="覃小燕"))
    judge = make.actor(make.holder(units[town], Role.SUPERVISOR))
    make.assignment(make.task(make.campaign(units[county])), units[village], State.SUBMITTED)

    def areas(text: str) -> list[str]:
        return [row.name for row in organisation.found(text, None, boss).rows]

    assert areas("sqz") == []
    with unit_of_work():
        assert spell(most=1) == 2, "one area and one person at a time"
    while True:
        with unit_of_work():
            if not spell():
                break
    assert db.session.query(Spelling).filter_by(name="东湾村").one().sounds == "dongwancun dwc"
    assert [areas(text) for text in ("sqz", "Shan Xian", "dongwan", "s", "sqz1")] == [
        ["石桥镇"], ["单县"], ["东湾村"], [], []
    ]  # fmt: skip
    people = accounts.people(boss, accounts.Filters(text="qxy"), on=now.date())
    assert [row.name for row in people.rows] == ["覃小燕"]
    choices = drafts.units_in_sight(units[county].id, "dwc", now=now, leave_out=[])
    assert [choice.name for choice in choices] == [units[village].name]
    assert queue.page(judge, queue.Filters(text="dwc")).total == 1
    assert queue.page(judge, queue.Filters(text="sqz")).total == 0
