"""The commands: what they do, how they refuse, and with which exit code."""

import json

import pytest
from sqlalchemy import func, select, text

from campaign.db import db, unit_of_work
from campaign.models import Area, Assignment, Campaign, Person, Unit

AREAS = "code,name,level,lines\n990100000000,云川市,市,党委;妇联\n990101000000,清河县,县,党委;妇联\n"
VILLAGES = "990101001000,柳林镇,乡镇,党委;妇联\n990101001001,东村,村,党委;妇联\n990101001002,西村,村,党委;妇联\n"
PLAN = """format: 1
title: 走访慰问
issuing_unit: {area: '990101000000', line: women}
tasks:
  - title: 走访困难妇女
    lines: [women]
    receiving_level: village
    respond_days: 2
    due: {kind: relative, days: 10}
"""


@pytest.fixture
def run(app):
    """Runs a command as a terminal would; exit code and what it printed."""
    runner = app.test_cli_runner()

    def call(*words, **kwargs):
        result = runner.invoke(args=[str(word) for word in words], **kwargs)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return call


@pytest.fixture
def file(tmp_path):
    """A file with that text."""

    def make(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return make


def count(noun):
    return db.session.execute(select(func.count()).select_from(noun)).scalar()


def test_from_nothing_to_assignments(run, file):
    code, said = run("areas", "import", file("areas.csv", AREAS + VILLAGES))
    assert (code, count(Area), count(Unit)) == (0, 5, 10), said
    people = "login,name,unit,role,valid_from\nzhou,周一,东村妇联,经办人,2026-01-01\n"
    code, said = run("people", "import", file("people.csv", people))
    assert code == 0
    assert "zhou,周一" in said  # the first password, shown once
    code, said = run("campaign", "load", file("plan.yaml", PLAN))
    assert code == 0, said
    number = said.split()[-1]
    code, said = run("campaign", "dispatch", number)
    assert (code, count(Assignment)) == (0, 2), said
    code, _ = run("campaign", "dispatch", number)
    assert (code, count(Assignment)) == (0, 2)
    assert run("check") == (0, "Everything holds.\n")
    assert run("log", "verify")[0] == 0


def test_one_bad_row_changes_nothing_and_is_named(run, file):
    bad = file("areas.csv", AREAS + "990101001001,东村,村,妇联\n9.90101E+11,西村,村,妇联\n")
    code, said = run("areas", "import", bad)
    assert (code, count(Area)) == (1, 0)
    assert "areas.csv:4" in said
    assert "areas.csv:5" in said


def test_a_mistake_in_a_plan_names_file_line_and_field(run, file):
    run("areas", "import", file("areas.csv", AREAS + VILLAGES))
    code, said = run("campaign", "load", file("plan.yaml", PLAN.replace("relative", "sometime")))
    assert (code, count(Campaign)) == (1, 0)
    assert "plan.yaml:9" in said
    assert "kind" in said


def test_the_first_administrator_is_made_once_and_needs_a_good_password(run, file):
    run("areas", "import", file("areas.csv", AREAS))
    code, _ = run("admin", "create", "wang", "--name", "王一", "--password", "short")
    assert (code, count(Person)) == (1, 1)
    assert run("admin", "create", "wang", "--name", "王一", "--password", "Liulin-2026-xian")[0] == 0
    assert run("admin", "create", "li", "--name", "李一", "--password", "Liulin-2026-xian")[0] == 1


def test_check_tells_a_program_what_does_not_hold(run, file):
    run("areas", "import", file("areas.csv", AREAS + VILLAGES))
    run("campaign", "load", file("plan.yaml", PLAN))
    run("campaign", "dispatch", "1")
    with unit_of_work() as session:
        session.execute(text("UPDATE assignment SET state = 5"))
    code, said = run("check", "--json")
    assert code == 1
    assert {breach["check"] for breach in json.loads(said)} >= {"states", "approvals"}


def test_what_is_not_there_is_refused(run, file):
    assert run("campaign", "dispatch", "99")[0] == 1
    assert run("areas", "import", "nowhere.csv")[0] == 2
    run("areas", "import", file("areas.csv", AREAS))
    assert run("demo", "load")[0] == 1


def test_days_are_imported_all_or_none(run, file):
    good = file("days.csv", "日期,班/休,名称\n2027-10-04,休,国庆节\n2027-09-26,班,国庆节\n")
    code, said = run("calendar", "import", good, "--reason", "国务院办公厅通知", "--known-until", "2027-12-31")
    assert (code, said) == (0, "days changed 2, known until 2027-12-31, assignments moved 0, reviews moved 0\n")
    code, said = run("calendar", "import", good, "--reason", "又一次")
    assert code == 0
    assert said.startswith("days changed 0")
    code, said = run(
        "calendar", "import", file("bad.csv", "day,kind\n2027-10-05,rest\n2027-10-06,x\n"), "--reason", "-"
    )
    assert code == 1
    assert "bad.csv:3" in said
    assert run("calendar", "seed")[0] == 0
    with db.engine.connect() as connection:
        days = connection.execute(text("SELECT count(*) FROM calendar_day WHERE day = '2027-10-05'")).scalar_one()
    assert days == 0
