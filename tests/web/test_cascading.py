"""Splitting in the browser: filled in, pasted, checked, confirmed; the tree of the target; who may, and its cost."""

import csv
import io
import re
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import (
    Area,
    Assignment,
    MetricValue,
    Person,
    Register,
    RegisterCount,
    Share,
    Submission,
    TaskLine,
    Unit,
)
from campaign.models.goals import goals_of
from campaign.operations.cascading import Plan, split_task
from campaign.operations.issuing import dispatch
from campaign.operations.letters import generate
from campaign.queries import cascade
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Level, Line, Role
from campaign.rules.states import State
from campaign.rules.targets import Method
from tests import make
from tests.counting import statements

MOST_ON_A_PAGE = 8


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def task(tree):
    county = tree.unit(tree.county)
    task = make.task(make.campaign(county, "村妇代会改建妇联"), "妇女之家", receiving_level=Level.TOWNSHIP)
    make.metric(task, name="建成数", unit_of_measure="个", target=100, aggregation=Aggregation.SUM)
    make.metric(task, MetricKind.RATE, name="覆盖率", target=65)
    with unit_of_work():
        db.session.add(register := Register(unit_id=county.id, name="在册妇女"))
        db.session.flush()
        for unit, n in zip((tree.unit(area) for area in tree.villages), (10, 20, 30, 1, 1, 1), strict=True):
            fields = {"register_id": register.id, "unit_id": unit.id, "version": 1, "at": make.NOW}
            db.session.add(RegisterCount(n=Decimal(n), **fields))
    return task


@pytest.fixture
def enter(app, client, visitor):
    def sign_in(person, language="en"):
        app.config["WTF_CSRF_ENABLED"] = True
        visitor.sign_out()
        visitor.sign_in(person)
        app.config["WTF_CSRF_ENABLED"] = False  # the views themselves are asked
        client.set_cookie("locale", language)
        return client

    return sign_in


class Form:
    """The form of a split as a browser would send it: what the page holds, and what is typed over it."""

    def __init__(self, client, path: str) -> None:
        self.client, self.path, self.fields = client, path, {}
        self.look(client.get(path))

    def look(self, answer) -> str:
        self.status, self.text, self.to = answer.status_code, answer.text, answer.headers.get("Location", "")
        if "data-split" in self.text:
            inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) | ({"on": "1"} if " checked" in tag else {})
                      for tag in re.findall(r"<input [^>]*>", self.text)]  # fmt: skip
            self.fields = {
                each["name"]: each.get("value", "") for each in inputs
                if "name" in each and (each.get("type") != "checkbox" or "on" in each)
            }  # fmt: skip
        return self.text

    def press(self, op: str, **typed: str) -> str:
        typed = {
            name.replace("_", "-") if name[0] in "vrpt" and name[1] == "_" else name: v for name, v in typed.items()
        }
        return self.look(self.client.post(self.path, data=self.fields | typed | {"op": op}))


def test_a_total_is_split_checked_and_followed(tree, task, enter, now):
    sum_id = db.session.scalars(select(make.Metric.id).where(make.Metric.target == 100)).one()
    towns = [tree.unit(area) for area in tree.townships]
    villages = [tree.unit(area) for area in tree.villages]
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    base = f"/campaigns/{task.campaign_id}/tasks/{task.id}"
    form = Form(client, f"{base}/split")
    assert "Goes down unchanged" in form.text
    assert "covers" not in form.press("check")
    assert form.status == 422  # no figure yet
    _told_once(form.press("check", **{f"v-{towns[0].id}-{sum_id}": "五", f"v-{towns[1].id}-{sum_id}": "3"}), towns[0])
    form.press("fill-even", **{f"r-{sum_id}": "5"})
    assert (form.fields[f"v-{towns[0].id}-{sum_id}"], form.fields[f"v-{towns[1].id}-{sum_id}"]) == ("48", "47")
    form.press("check", **{f"v-{towns[0].id}-{sum_id}": "60"})
    assert "12 个 more than the total" in form.text
    assert "Before you confirm" in form.text
    form.press("confirm", **{f"v-{towns[0].id}-{sum_id}": "61"})  # another figure than was shown: checked again
    assert form.status == 200
    form.press("confirm")
    assert (form.status, form.to) == (303, f"{base}/targets")
    page = client.get(f"{base}/targets").text
    assert "Grew on the way down" in page
    assert "not dispatched yet" in page
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    one = db.session.scalars(select(Assignment).where(Assignment.unit_id == towns[0].id)).one()

    # the township: by a register, then pasted, with a bad line that stays
    head = make.holder(towns[0], Role.DISPATCHER)
    client = enter(head)
    form = Form(client, f"/assignments/{one.id}/split")
    form.press("fill-register", register="1")
    assert [form.fields[f"v-{unit.id}-{sum_id}"] for unit in villages[:3]] == ["10", "20", "31"]
    officer = tree.holder(tree.villages[0], Role.OFFICER)
    form.press("fill-even")
    _pasted(form, sum_id, villages, officer)
    form.press("check", **{f"p-{villages[0].id}": str(officer.id)})
    assert "2 units receive the task from you" in form.text
    for day, said in (("2027-12-31", "is never due later than the whole"), ("5月底", "Please write the day as")):
        assert said in form.press("check", due_on=day, **{f"p-{villages[0].id}": str(officer.id)})
        assert f'value="{day}"' in form.text and form.status == 422
    form.press("check", due_on="", **{f"p-{villages[0].id}": str(officer.id)})
    assert "19 个 not given out yet" in form.text
    form.press("confirm", **{f"p-{villages[0].id}": str(officer.id)})
    assert (form.status, form.to) == (303, f"/assignments/{one.id}/targets")
    child = db.session.scalars(select(Assignment).where(Assignment.unit_id == villages[0].id)).one()
    assert (child.in_charge_id, child.parent_id) == (officer.id, one.id)
    assert goals_of([child.id])[child.id][sum_id].target == 12

    charge, field = {f"p-{villages[0].id}": str(officer.id)}, f"v-{villages[0].id}-{sum_id}"
    _changed(client, f"/assignments/{one.id}/split", charge, field)

    # the issuer sees the whole tree, and where it grew
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    grown = client.get(f"{base}/targets?grown=1").text
    assert towns[0].name in grown
    assert "asks 63.9% more" in grown
    table = list(csv.reader(io.StringIO(client.get(f"{base}/targets.csv").get_data().decode("utf-8-sig"))))
    assert {row[0] for row in table[1:]} == {unit.name for unit in (*towns, villages[0], villages[2])}


def _told_once(wrong: str, unit: Unit) -> None:
    """What is no figure is not missing besides, and need not say at its field whose it is."""
    assert "1 thing to correct" in wrong and "no figure yet" not in wrong
    assert f"<span>{unit.name}: " not in wrong and 'aria-invalid="true"' in wrong


def _pasted(form: Form, sum_id: int, villages: list[Unit], officer: Person) -> None:
    """A list with a line that is wrong, which is put right in its box: what was understood before stays ticked."""
    names = [unit.name for unit in villages]
    text = f"2026年分解表\n单位\t数\n{names[0]}\t12\t{officer.name}\n{names[1]}\t二十\n{names[2]}\t0.003万\n合计\t62"
    form.press("paste", pasted=text)
    assert f'Line 4 <span class="muted">{names[1]} 二十</span>: “二十”' in form.text
    assert "2 lines were taken over" in form.text
    assert "line 1 “2026年分解表”, line 2 “单位 数”, line 6 “合计 62”" in form.text
    assert f"1 unit has a figure and is not ticked, so it takes no part: {names[1]}." in form.text
    assert f"take-{villages[1].id}" not in form.fields
    form.press("paste", pasted=f"{names[1]}\t20")
    assert [form.fields[f"v-{unit.id}-{sum_id}"] for unit in villages[:3]] == ["12", "20", "30"]
    assert all(f"take-{unit.id}" in form.fields for unit in villages[:3])
    form.fields.pop(f"take-{villages[1].id}")
    form.press("check")
    assert f"1 unit has a figure and is not ticked, so it takes no part: {names[1]}." in form.text


def _changed(client, path: str, charge: dict[str, str], field: str) -> None:
    """Later: a reason is needed, and what follows is said before."""
    form = Form(client, path)
    form.press("check", **{field: "70"}, **charge)
    form.press("confirm", **charge)
    assert form.status == 422
    form.press("check", reason="人口变化", **charge)
    assert "it goes on, and what it reports is measured by the new target" in form.text
    form.press("confirm", reason="人口变化", **charge)
    assert form.status == 303
    versions = client.get(f"{path}/versions").text
    assert "人口变化" in versions
    assert "version 2" in versions.lower()


def test_what_was_open_on_a_screen_while_the_split_changed_is_kept_and_measured_anew(tree, now, visitor):
    """A dispute and a report, each typed on a page that showed the former target."""
    task = make.task(make.campaign(tree.unit(tree.county)), "巾帼志愿服务")
    metric = make.metric(task, name="服务人次", target=60, aggregation=Aggregation.SUM)
    boss = tree.actor(tree.county, Role.DISPATCHER)
    units = [tree.unit(village) for village in tree.villages]

    def change(first, seen):
        figures = [first, *[10] * 5]
        shares = {unit.id: {metric.id: Decimal(each)} for unit, each in zip(units, figures, strict=True)}
        with unit_of_work():
            split_task(task.id, Plan(Method.BY_HAND, shares, reason="调整"), actor=boss, now=now, seen=seen)

    change(10, seen=0)
    with unit_of_work():
        dispatch(task.id, actor=boss, now=now)
    mine = db.session.scalars(select(Assignment.id).where(Assignment.unit_id == units[0].id)).one()
    visitor.client.set_cookie("locale", "en")
    visitor.sign_in(tree.holder(tree.villages[0], Role.OFFICER))
    page, field = visitor.get(f"/assignments/{mine}/request/dispute"), f"target-{metric.id}"
    assert page.has("Target now: 10")
    change(12, seen=1)
    page = page.submit("Send the request", status=422, reason="名册只有六人", **{field: "12"})
    assert page.has("This is the present target.", "Target now: 12", "名册只有六人")
    page = visitor.get(f"/assignments/{mine}").submit("Sign for")
    change(15, seen=2)
    page = page.submit(
        "Submit for review", **{"words": "名册内十二人均已服务，台账在册。", f"metric-{metric.id}": "12"}
    )
    assert page.has("Version 1 has been submitted")
    assert page.click("See what was submitted").has("Target 15")
    assert visitor.get("/messages").has("The split was changed, and targets with it")
    made = db.session.scalars(select(MetricValue.number).where(MetricValue.metric_id == metric.id)).all()
    assert (made, goals_of([mine])[mine][metric.id].target) == ([12], 15)
    assert db.session.scalars(select(Submission.assignment_id)).all() == [mine]


def test_others_see_it_and_split_nothing(tree, task, enter, now):
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    one = db.session.scalars(select(Assignment)).first()
    officer = make.holder(tree.unit(tree.townships[0]), Role.OFFICER)
    client = enter(officer)
    assert client.get(f"/assignments/{one.id}/split").status_code == 303
    assert client.post(f"/assignments/{one.id}/split", data={"op": "confirm", "seen": "0"}).status_code == 403
    assert client.get(f"/campaigns/{task.campaign_id}/tasks/{task.id}/split").status_code == 404
    assert client.get(f"/campaigns/{task.campaign_id}/tasks/{task.id}/targets?parent={one.id}").status_code == 200


def test_a_county_of_many_villages_stays_usable(tree, task, enter, now):
    task.receiving_level = Level.COUNTY
    with unit_of_work() as session:
        session.execute(make.Task.__table__.update().values(receiving_level=Level.COUNTY))
        for at in range(300):
            area = Area(code=f"96{at:010d}", name=f"第{at}村", level=Level.VILLAGE, parent_id=tree.townships[0].id,
                        path=tree.townships[0].path, depth=3, lft=0, rgt=0)  # fmt: skip
            session.add(area)
            session.flush()
            session.add(Unit(area_id=area.id, line=Line.WOMEN, level=Level.VILLAGE, lft=0, name=f"第{at}村妇联"))
        make.straighten()
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    one = db.session.scalars(select(Assignment)).one()
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    asked = {}
    for level in (Level.TOWNSHIP, Level.VILLAGE):
        path = f"/assignments/{one.id}/split?level={int(level)}"
        client.get(path)
        asked[level] = _counted(lambda path=path: client.get(path))
    assert asked[Level.TOWNSHIP] == asked[Level.VILLAGE] <= MOST_ON_A_PAGE
    form = Form(client, f"/assignments/{one.id}/split?level={int(Level.VILLAGE)}")
    sum_id = db.session.scalars(select(make.Metric.id).where(make.Metric.target == 100)).one()
    figures = {name: "1" for name in form.fields if name.startswith("v-")}
    form.press("check", **figures)
    form.press("confirm", client_action_id=str(uuid4()))
    assert form.status == 303
    assert db.session.query(Assignment).filter_by(parent_id=one.id).count() == 306
    for path in (f"/assignments/{one.id}/split/versions", f"/campaigns/{task.campaign_id}/tasks/{task.id}/targets",
                 f"/campaigns/{task.campaign_id}/tasks/{task.id}/targets?metric={sum_id}&parent={one.id}"):  # fmt: skip
        client.get(path)
        assert _counted(lambda path=path: client.get(path)) <= MOST_ON_A_PAGE, path


def _counted(call) -> int:
    with statements() as sent:
        assert call().status_code == 200
    return len(sent)


def test_a_task_of_more_units_than_one_page_splits_is_split_area_by_area(tree, task, enter, now, monkeypatch):
    monkeypatch.setattr(cascade, "MOST_UNITS", 4)
    sum_id = db.session.scalars(select(make.Metric.id).where(make.Metric.target == 100)).one()
    with unit_of_work():
        db.session.get_one(make.Task, task.id).receiving_level = Level.VILLAGE
    villages = [tree.unit(area) for area in tree.villages]
    base = f"/campaigns/{task.campaign_id}/tasks/{task.id}/split"
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    page = client.get(base).text
    assert "split area by area" in page and "nothing yet" in page
    narrow = f"{base}?area={tree.townships[0].id}"
    assert max(_counted(lambda path=path: client.get(path)) for path in (base, narrow)) <= MOST_ON_A_PAGE
    monkeypatch.setattr(cascade, "MOST_UNITS", 2)  # so many even in one of the areas
    assert _counted(lambda: client.get(narrow)) <= MOST_ON_A_PAGE
    monkeypatch.setattr(cascade, "MOST_UNITS", 4)
    names = [area.name for area in tree.townships]
    assert all(name in page for name in names) and villages[0].name not in page
    for at, area in enumerate(tree.townships):
        form = Form(client, f"{base}?area={area.id}")
        mine = villages[3 * at : 3 * at + 3]
        assert form.fields["area"] == str(area.id)
        form.press("fill-register", register="1")
        form.press("check", reason="逐个乡镇")
        form.press("confirm", reason="逐个乡镇")
        assert (form.status, form.to) == (303, base)
        assert all(unit.name in form.client.get(f"{base}?area={area.id}").text for unit in mine)
    held = db.session.execute(select(Share.unit_id, Share.value).where(Share.allocation_id == 2)).tuples().all()
    assert sorted(held) == [(unit.id, figure) for unit, figure in zip(villages, (16, 32, 48, 2, 1, 1), strict=True)]
    page = client.get(base).text
    assert "adds up" in page and "96 个" in page  # three villages of the first township hold that much
    assert client.get(f"{base}?area=999999").status_code == 404
    form = Form(client, f"{base}?area={tree.townships[0].id}")
    form.press("check", reason="调增", **{f"v-{villages[0].id}-{sum_id}": "20"})
    assert "4 个 more than the total" in form.text and "of these elsewhere 4" in form.text
    stranger = {f"take-{villages[5].id}": "on", f"v-{villages[5].id}-{sum_id}": "9"}  # not of this area: left aside
    form.press("confirm", reason="调增", **stranger)
    assert form.status == 303
    latest = dict(db.session.execute(select(Share.unit_id, Share.value).where(Share.allocation_id == 3)).tuples().all())
    assert (latest[villages[0].id], latest[villages[5].id], len(latest)) == (20, 1, 6)


def test_the_tree_of_a_task_of_several_lines_costs_no_more(tree, task, enter, now):
    with unit_of_work():
        db.session.add(TaskLine(task_id=task.id, line=Line.UNION))
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    path = f"/campaigns/{task.campaign_id}/tasks/{task.id}/targets"
    page = client.get(path).text
    assert all(tree.unit(area, line).name in page for area in tree.townships for line in (Line.WOMEN, Line.UNION))
    assert _counted(lambda: client.get(path)) <= MOST_ON_A_PAGE
    loan = make.metric(task, MetricKind.AMOUNT, 800_000_000, name="贷款", money_places=8, aggregation=Aggregation.SUM)
    client = enter(tree.holder(tree.county, Role.DISPATCHER), "zh_CN")
    page = client.get(f"{path}?metric={loan.id}").text
    assert "<b>8 亿元</b>" in page and "80,000 万元" not in page, "in the unit in which the plan speaks"
    rows = csv.DictReader(io.StringIO(client.get(f"{path}.csv?metric={loan.id}").get_data().decode("utf-8-sig")))
    assert {row["计量单位"] for row in rows} == {"元"}


def test_who_comes_second_finds_all_that_was_typed(tree, task, enter, now):
    sum_id = db.session.scalars(select(make.Metric.id).where(make.Metric.target == 100)).one()
    client, towns = enter(tree.holder(tree.county, Role.DISPATCHER)), [tree.unit(area).id for area in tree.townships]
    path = f"/campaigns/{task.campaign_id}/tasks/{task.id}/split"
    first, second = Form(client, path), Form(client, path)
    for form, figure in ((first, "40"), (second, "41")):
        form.press("check", **{f"v-{towns[0]}-{sum_id}": figure, f"v-{towns[1]}-{sum_id}": "50"})
    first.press("confirm")
    assert first.status == 303
    told = second.press("confirm")
    assert (second.status, "version 1 is in force now" in told) == (409, True)
    assert (second.fields[f"v-{towns[0]}-{sum_id}"], second.fields["seen"]) == ("41", "1")
    assert "Why it is changed" in told and "Before you confirm" not in told
    second.press("check", reason="县里重新核定")
    second.press("confirm", reason="县里重新核定")
    assert second.status == 303


def test_a_register_takes_a_list_as_people_have_it_and_the_file_that_it_gave(tree, task, enter, now):
    towns, villages = [[tree.unit(area) for area in areas] for areas in (tree.townships, tree.villages)]
    client, path = enter(tree.holder(tree.county, Role.DISPATCHER)), "/registers/1"
    areas = [db.session.get_one(Area, unit.area_id).name for unit in villages]
    assert areas[0].endswith("村")
    lines = f"在册妇女名册\n序号\t单位\t人数\n1\t{areas[0]}民委员会\t1,200\n2\t {areas[1][0]} {areas[1][1:]}\t7"
    assert client.post(path, data={"op": "paste", "seen": "1", "pasted": lines}).status_code == 303

    def held() -> list[list[str]]:
        table = csv.reader(io.StringIO(client.get(f"{path}.csv").get_data().decode("utf-8-sig")))
        return [row for row in table if row]

    told = {row[0]: row[3] for row in held()}
    assert (told["Unit"], told[villages[0].name], told[villages[1].name]) == ("How many", "1200", "7")
    sheet = io.StringIO()
    csv.writer(sheet).writerows([*held(), [towns[0].name, "", "", "55"]])
    file = (io.BytesIO(sheet.getvalue().replace("1200", "1300").encode()), "名册.csv")
    assert client.post(path, data={"op": "paste", "seen": "2", "file": file}).status_code == 303
    told = {row[0]: row[3] for row in held()}
    assert (told[villages[0].name], told[towns[0].name]) == ("1300", "55")


def test_a_letter_of_what_is_asked_of_nobody_offers_no_signature(tree, task, enter, now):
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    one = db.session.scalars(select(Assignment)).first()
    with unit_of_work():
        made = generate(one.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    client = enter(tree.holder(tree.county, Role.DISPATCHER))
    assert "Sign the letter" in client.get(f"/letters/{made}").text
    with unit_of_work():
        db.session.execute(update(Assignment).where(Assignment.id == one.id).values(state=State.NOT_APPLICABLE))
    page = client.get(f"/letters/{made}").text
    assert "asked of nobody any more" in page and "Sign the letter" not in page
