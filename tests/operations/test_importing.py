"""Importing areas: all rows valid or nothing changed, every bad row named; intervals and superiors right."""

import json

import pytest
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.errors import Forbidden, Invalid
from campaign.models import Area, Event, Placement, Unit
from campaign.operations.areas import import_areas, preview_areas
from campaign.rules.organisation import SYSTEM, LeafKind, Level, Role
from tests import make
from tests.counting import statements

HEADINGS = ("code", "name", "level", "parent_code", "kind", "lines", "valid_from", "valid_to")
CITY = ("990000000000", "云川市", "city", "", "", "党委;妇联")
COUNTY = ("990100000000", "清河县", "county", "990000000000", "", "党委;妇联;工会")
TOWN = ("990101001000", "石桥镇", "", "990100000000", "", "妇联")
TOWN_2 = ("990101002000", "柳林镇", "township", "990100000000", "", "党委")
VILLAGE = ("990101001001", "东村", "", "", "", "妇联、工会")
VILLAGE_2 = ("990101002001", "西村", "village", "", "", "妇联")
MILL = ("QY-001", "清河纺织厂", "organisation", "990101001000", "企业", "工会")
TREE = [VILLAGE, MILL, TOWN_2, VILLAGE_2, TOWN, COUNTY, CITY]  # in no order


def table(rows, headings=HEADINGS):
    return table_of("areas.csv", headings, [tuple(row) + ("",) * (len(headings) - len(row)) for row in rows])


def load(rows, now, actor=SYSTEM, headings=HEADINGS, **more):
    with unit_of_work():
        return import_areas(table(rows, headings), actor=actor, now=now, **more)


def problems(rows, now, actor=SYSTEM, headings=HEADINGS):
    before = db.session.execute(select(func.count()).select_from(Area)).scalar()
    with pytest.raises(Invalid) as caught:
        load(rows, now, actor, headings)
    assert db.session.execute(select(func.count()).select_from(Area)).scalar() == before
    return [(problem.where, str(problem.sentence)) for problem in caught.value.problems]


def tree():
    rows = db.session.scalars(select(Area).order_by(Area.lft)).all()
    return [(area.name, area.depth, area.lft, area.rgt) for area in rows]


def superiors():
    units = {unit.id: unit for unit in db.session.scalars(select(Unit))}
    return {u.name: units[u.superior_id].name if u.superior_id else None for u in units.values()}


def test_a_tree_in_any_order_is_numbered_in_preorder(app, now):
    assert load(TREE, now).added == 7
    assert tree() == [
        ("云川市", 0, 1, 7), ("清河县", 1, 2, 7), ("石桥镇", 2, 3, 5), ("东村", 3, 4, 4), ("清河纺织厂", 3, 5, 5),
        ("柳林镇", 2, 6, 7), ("西村", 3, 7, 7),
    ]  # fmt: skip
    for area in db.session.scalars(select(Area)):
        parent = db.session.get(Area, area.parent_id) if area.parent_id else None
        assert area.path == f"{parent.path if parent else '/'}{area.id}/"
    mill = db.session.scalars(select(Area).where(Area.code == "QY-001")).one()
    assert (mill.level, mill.kind) == (Level.ORGANISATION, LeafKind.ENTERPRISE)


def test_superiors_follow_the_law_of_the_lines(app, now):
    assert load(TREE, now).units == 11
    assert superiors() == {
        "云川市党委": None, "云川市妇联": "云川市党委",
        "清河县党委": "云川市党委", "清河县妇联": "云川市妇联", "清河县工会": "清河县党委",
        "石桥镇妇联": "清河县妇联", "东村妇联": "石桥镇妇联", "东村工会": "清河县工会", "清河纺织厂工会": "清河县工会",
        "柳林镇党委": "清河县党委", "西村妇联": "清河县妇联",
    }  # fmt: skip


def test_units_repeat_level_and_place_of_their_area(app, now):
    load(TREE, now)
    load([("990101000001", "前哨办", "township", "990100000000", "", "党委")], now)  # stands before all others
    rows = db.session.execute(select(Unit.level, Unit.lft, Area.level, Area.lft).join(Area, Area.id == Unit.area_id))
    assert all((a, b) == (c, d) for a, b, c, d in rows)


def test_ids_go_on_after_an_import(app, now):
    load(TREE, now)
    root = db.session.scalars(select(Area).where(Area.depth == 0)).one()
    with unit_of_work() as session:
        session.add(Area(code="X", name="x", level=Level.COUNTY, parent_id=root.id, path="/", depth=1, lft=9, rgt=9))
    assert db.session.execute(select(func.count()).select_from(Area)).scalar() == 8


def test_the_same_again_changes_nothing_and_logs_nothing(app, now):
    load(TREE, now)
    before, events = tree(), db.session.execute(select(func.count()).select_from(Event)).scalar()
    again = load(TREE, now)
    assert (again.added, again.changed, again.units) == (0, 0, 0)
    assert tree() == before
    assert db.session.execute(select(func.count()).select_from(Event)).scalar() == events


def test_an_import_renames_and_adds_and_never_deletes(app, now):
    load(TREE, now)
    new_village = ("990101001002", "南村", "", "", "", "妇联")
    done = load([("990101001000", "石桥新镇", "", "", "", "党委"), new_village], now)
    assert (done.added, done.changed, done.units) == (1, 1, 2)
    assert [row[0] for row in tree()] == [
        "云川市",
        "清河县",
        "石桥新镇",
        "东村",
        "南村",
        "清河纺织厂",
        "柳林镇",
        "西村",
    ]
    found = superiors()
    assert found["石桥新镇妇联"] == "清河县妇联"  # kept its lines, took the new name
    assert found["石桥新镇党委"] == "清河县党委"
    assert found["清河纺织厂工会"] == "清河县工会"


def test_an_import_moves_an_area_with_all_below_it_and_keeps_where_it_stood(app, now):
    load(TREE, now)
    other = ("990200000000", "云阳县", "county", "990000000000", "", "妇联")
    rows = [other, ("990101001000", "石桥镇", "", "990200000000")]
    told = [(each.name, each.old_name, each.moves_below) for each in preview_areas(table(rows), actor=SYSTEM).changes]
    assert told == [("云阳县", None, ""), ("石桥镇", "石桥镇", "云阳县")]
    db.session.rollback()
    load(rows, now)
    db.session.expire_all()
    assert tree() == [
        ("云川市", 0, 1, 8), ("清河县", 1, 2, 4), ("柳林镇", 2, 3, 4), ("西村", 3, 4, 4), ("云阳县", 1, 5, 8),
        ("石桥镇", 2, 6, 8), ("东村", 3, 7, 7), ("清河纺织厂", 3, 8, 8),
    ]  # fmt: skip
    ids = dict(db.session.execute(select(Area.name, Area.id)).all())
    paths = {area.id: area.path for area in db.session.scalars(select(Area))}
    for area in db.session.scalars(select(Area)):
        assert area.path == f"{paths.get(area.parent_id, '/')}{area.id}/"
    assert superiors()["石桥镇妇联"] == "云阳县妇联"
    assert all(unit.lft == db.session.get_one(Area, unit.area_id).lft for unit in db.session.scalars(select(Unit)))
    former = db.session.scalars(select(Placement)).one()
    assert (former.area_id, former.parent_id, former.until) == (ids["石桥镇"], ids["清河县"], now)


def test_an_area_that_ends_names_its_successor_and_ends_its_units(app, now):
    load(TREE, now)
    wider = (*HEADINGS, "successor_code")
    ended = ("990101002001", "西村", "", "", "", "", "", "2026-12-31", "990101001001")
    assert "must say when it ends" in problems([(*ended[:7], "", ended[8])], now, headings=wider)[0][1]
    load([ended], now, headings=wider)
    db.session.expire_all()
    west, east = (db.session.scalars(select(Area).where(Area.name == name)).one() for name in ("西村", "东村"))
    assert (west.successor_id, str(west.valid_to)) == (east.id, "2026-12-31")
    units = db.session.scalars(select(Unit).where(Unit.area_id == west.id))
    assert {str(unit.valid_to) for unit in units} == {"2026-12-31"}


def test_a_new_unit_above_becomes_the_superior_of_those_below(app, now):
    load(TREE, now)
    load([("990101001000", "石桥镇", "", "", "", "工会")], now)
    assert superiors()["东村工会"] == superiors()["清河纺织厂工会"] == "石桥镇工会"


def test_a_unit_with_a_name_of_its_own_keeps_it(app, now):
    load(TREE, now)
    with unit_of_work() as session:
        session.scalars(select(Unit).where(Unit.name == "清河县工会")).one().name = "清河县总工会"
    load([("990100000000", "清河市", "", "", "", "")], now)
    assert {"清河县总工会", "清河市妇联"} <= set(superiors())


def test_chinese_headings_and_words_are_understood(app, now):
    headings = ("序号", "区划代码", "名称", "级别", "上级编码", "条线", "启用日期")
    rows = [("1", "990100000000", "清河县", "县级", "", "党委；工会", "2026年1月1日")]
    assert load(rows, now, headings=headings).units == 2
    area = db.session.scalars(select(Area)).one()
    assert (area.level, area.valid_from.isoformat()) == (Level.COUNTY, "2026-01-01")


def test_the_import_is_one_event_with_its_digest(app, now):
    load(TREE, now)
    logged = db.session.scalars(select(Event)).one()
    assert logged.tag == "organisation:areas:import"
    assert json.loads(logged.data).keys() == {"added", "changed", "digest"}


# -- what is refused, with its line ----------------------------------------------------------------------------------

BAD_ROWS = [
    (COUNTY, "stands already in line 2"),  # duplicate code
    (("990299001001", "孤村", "village"), "The parent 990299001000, as this code tells it"),
    (("990101003000", "新镇", "township", "990299000000"), "The parent 990299000000 is neither"),
    (("990101009000", "丙镇", "county", "990101001000"), "is not of a higher level"),
    (("QY-2", "厂", "organisation"), "needs a parent"),
    (("1.1E+11", "坏村", "village"), "Excel turned the code"),
    (("99010100100", "少零村", "village"), "perhaps Excel removed its zeros"),
    (("99010100100X", "错村", "village"), "does not have 12 digits"),
    (("", "无码村", "village"), "The code is missing"),
    (("990101001011", ""), "The name is missing"),
    (("990101001012", "很" * 121), "longer than 120"),
    (("990101001013", "坏\ufffd村"), "cannot be read"),
    (("990101001009", "村", "hamlet"), "level “hamlet” is unknown"),
    (("990101001009", "村", "", "", "企业"), "Only organisations have a kind"),
    (("QY-2", "厂", "organisation", "990101001000", "农场"), "kind “农场” is unknown"),
    (("990101001009", "村", "", "", "", "妇联;商会"), "line “商会” is unknown"),
    (("990101001009", "村", "", "", "", "", "2026-02-30"), "is no date"),
    (("990101001009", "村", "", "", "", "", "2026-02-03", "2026-01-01"), "end before it begins"),
    (("990101001000", "石桥镇", "village"), "another level"),
    (("990101001001", "东村", "", "990101999000"), "neither in the file nor in the system"),
    (("990101002001", "西村", "", "990101001001"), "not of a higher level"),
]


def test_every_bad_row_is_named_with_line_and_reason(app, now):
    load(TREE, now)
    found = problems([COUNTY, *(row for row, _ in BAD_ROWS)], now)
    for line, (row, words) in enumerate(BAD_ROWS, 3):
        told = [sentence for where, sentence in found if where == f"areas.csv:{line}"]
        assert any(words in sentence for sentence in told), (row, told)
    assert len(found) == len(BAD_ROWS)


def test_all_bad_rows_are_listed_in_order(app, now):
    rows = [CITY, ("1E+11", ""), COUNTY, ("990199000000", "", "village", "1E5")]
    assert [where for where, _ in problems(rows, now)] == ["areas.csv:3"] * 2 + ["areas.csv:5"] * 2


def test_one_tree_has_one_top(app, now):
    assert len(problems([CITY, ("980000000000", "另一市", "city")], now)) == 2
    load([CITY], now)
    assert problems([("980000000000", "另一市", "city")], now)[0][0] == "areas.csv:2"


def test_headings_must_be_understood(app, now):
    for headings in (("code", "level"), ("code", "name", "编码"), ("品名", "数量")):
        assert problems([], now, headings=headings)[0][0] == "areas.csv:1"


# -- who may ---------------------------------------------------------------------------------------------------------


def administrator(unit_name):
    unit = db.session.scalars(select(Unit).where(Unit.name == unit_name)).one()
    return make.actor(make.holder(unit, Role.ADMINISTRATOR))


def test_only_an_administrator_imports(app, now):
    load(TREE, now)
    officer = make.holder(db.session.scalars(select(Unit)).first(), Role.DISPATCHER)
    with pytest.raises(Forbidden):
        load([VILLAGE], now, make.actor(officer))


def test_an_administrator_reaches_their_subtree_and_lines(app, now):
    load(TREE, now)
    town, county = administrator("石桥镇妇联"), administrator("清河县党委")
    assert load([("990101001007", "北村", "", "", "", "妇联")], now, town).added == 1
    assert "outside" in problems([("990101002009", "远村", "", "", "", "妇联")], now, town)[0][1]
    assert "outside" in problems([("990101001009", "党村", "", "", "", "党委")], now, town)[0][1]
    assert "outside" in problems([("990100000000", "改名县", "", "", "", "")], now, town)[0][1]
    assert load([("990101002009", "远村", "", "", "", "工会")], now, county).units == 1


# -- preview, size ---------------------------------------------------------------------------------------------------


def test_the_preview_tells_what_the_import_does(app, now):
    load(TREE, now)
    rows = [TOWN, ("990101002000", "柳林新镇", "", "", "", "工会"), ("990101001002", "南村", "", "", "", "妇联")]
    preview = preview_areas(table(rows), actor=SYSTEM)
    db.session.rollback()
    assert (preview.rows, preview.added, preview.changed, preview.units, preview.unchanged) == (3, 1, 1, 2, 1)
    assert [(change.line, change.name, change.old_name) for change in preview.changes] == [
        (3, "柳林新镇", "柳林镇"), (4, "南村", None),
    ]  # fmt: skip
    done = load(rows, now)
    assert (done.added, done.changed, done.units) == (preview.added, preview.changed, preview.units)


def many(villages):
    towns = [
        (f"9901010{number:02d}000", f"镇{number}", "township", "990100000000", "", "妇联") for number in range(10, 30)
    ]
    rows = [(f"{towns[n % 20][0][:9]}{n // 20 + 1:03d}", f"村{n}", "", "", "", "妇联") for n in range(villages)]
    return [CITY, COUNTY, *towns, *rows]


def test_statements_do_not_grow_with_the_rows(app, now):
    counts = []
    for villages in (100, 900):
        steps = []
        with statements() as seen:
            load(many(villages), now, progress=lambda *given, steps=steps: steps.append(given))
        assert steps
        counts.append(len(seen))
    assert counts[1] <= counts[0] + 6  # the scratch tables of what changed
