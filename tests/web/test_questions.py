"""Asking, answering and urging in the browser, and the time line in the ledger; and who tries what is not theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Event, Person, Question
from campaign.operations.issuing import dispatch
from campaign.operations.questions import ask
from campaign.operations.sweeping import fire
from campaign.queries import questions as queries
from campaign.rules.ladder import Sweep
from campaign.rules.organisation import Line, Role
from tests import make
from tests.counting import statements

DAY = timedelta(days=1)


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def given(tree, now):
    """The assignments of a dispatch by village; the first one is due in ten days like all others."""
    task = make.task(make.campaign(tree.unit(tree.county)), title="巾帼志愿服务")
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    rows = dict(db.session.execute(select(Assignment.unit_id, Assignment.id)).tuples().all())
    return [rows[tree.unit(village).id] for village in tree.villages]


@pytest.fixture
def at_desk(app, visitor):
    """Signs somebody in, reading English; who attacks sends forms without a token."""

    def enter(person, attacks=False):
        app.config["WTF_CSRF_ENABLED"] = True
        visitor.sign_out()
        visitor.client.set_cookie("locale", "en")
        visitor.sign_in(person)
        app.config["WTF_CSRF_ENABLED"] = not attacks
        return visitor

    return enter


def asked(tree, id, now):
    with unit_of_work():
        return ask(id, "可否延用去年的名册", actor=tree.actor(tree.villages[0], Role.OFFICER), now=now)


def test_an_officer_asks_and_the_unit_above_answers(tree, given, at_desk, monkeypatch, now):
    officer, boss = tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)
    page = at_desk(officer).get(f"/assignments/{given[0]}").click("Ask the unit above")
    assert page.has("柳林镇妇联")
    page = page.submit("Send the question", status=422, words=" ")
    assert page.has("Please write your question.")
    page = page.submit("Send the question", words="可否延用去年的名册")
    assert page.has("Your question is on its way", "Waits for an answer", "可否延用去年的名册", "awaiting an answer")
    assert at_desk(boss).get(f"/assignments/{given[0]}/ledger").has("The clock stands still since")
    monkeypatch.setattr(clock, "now", lambda: now + 2 * DAY)
    page = at_desk(boss).get("/reviews").click("question")
    assert "可否延用去年的名册" in page.click("CSV").response.get_data(as_text=True).splitlines()[1]
    page = page.click("Answer")
    page = page.submit("Send the answer", status=422, words="")
    page = page.submit("Send the answer", words="可以")
    assert page.has("Answered. The clock goes on. 2 days are given back.", "No question waits for you")
    page = at_desk(officer).get(f"/assignments/{given[0]}")
    assert page.has("可以", "2 days were given back", "First due")


def test_who_is_next_in_charge_answers_in_place_of_a_unit_where_nobody_is(tree, given, at_desk, now):
    question, above = asked(tree, given[0], now), tree.holder(tree.county, Role.DISPATCHER)
    assert at_desk(above).get("/questions").has("No question waits for you")
    with unit_of_work():
        db.session.get_one(Person, tree.holder(tree.townships[0], Role.SUPERVISOR).id).disabled_at = now
    page = at_desk(above).get("/questions")
    assert page.has("可否延用去年的名册", "asked of 柳林镇妇联", "nobody in post")
    with statements() as ran:
        page = page.visitor.get(f"/assignments/{given[0]}")
    assert page.has("Nobody is in post at 柳林镇妇联 at present") and len(ran) <= 8
    gaps = page.visitor.get("/vacancies?gap=5")
    assert gaps.has("柳林镇妇联", "Supervisor or dispatcher", "1 question", "waits at 清河县妇联", "Answer")
    assert gaps.click("CSV").response.get_data(as_text=True).splitlines()[1].endswith(",1,,1,清河县妇联")
    page = page.click("Answer")
    assert page.has("the nearest level above where somebody is may answer")
    assert page.submit("Send the answer", words="可以").has("Answered. The clock goes on.")
    assert page.visitor.get(f"/questions/{question}").has(f"{above.name} (清河县妇联, in place of 柳林镇妇联)")
    assert page.visitor.get(f"/assignments/{given[0]}/ledger").has("answered the question in place of 柳林镇妇联")
    page = at_desk(tree.holder(tree.villages[0], Role.OFFICER)).get(f"/assignments/{given[0]}/ask")
    assert page.has("asked of 清河县妇联")


def test_the_list_is_narrowed_ordered_and_paged(tree, given, at_desk, monkeypatch, now):
    for at, words in ((1, "名册延用"), (0, "代签可否")):  # whose date comes first asked last
        with unit_of_work():
            ask(given[at], words, actor=tree.actor(tree.villages[at], Role.OFFICER), now=now)
            db.session.get_one(Assignment, given[at]).due_at = now + (at + 2) * DAY
    boss = at_desk(make.holder(tree.unit(tree.townships[0]), Role.SUPERVISOR, name="审核者"))
    monkeypatch.setattr(queries, "PAGE", 1)
    first = tree.unit(tree.villages[0])
    for query, shown in (
        ("", "名册延用"), ("?sort=due", "代签可否"), ("?text=代签", "代签可否"), ("?text=延用", "名册延用"),
        (f"?text={first.name}", "代签可否"), (f"?unit={first.superior_id}", "名册延用"),
    ):  # fmt: skip
        page = boss.get(f"/questions{query}")
        assert page.has(shown)
        assert page.click("CSV").response.get_data(as_text=True).splitlines()[1].endswith(shown)
        if "text" not in query:
            other = {"名册延用", "代签可否"} - {shown}
            assert not page.has(*other)
            assert page.click("Next page").has(*other)
    assert boss.get("/questions?text=nothing").has("No question fits these filters.")
    assert boss.get("/questions?unit=999&after=x.y").has("No question fits these filters.")


def test_an_officer_takes_a_question_back(tree, given, at_desk, now):
    asked(tree, given[0], now)
    page = at_desk(tree.holder(tree.villages[0], Role.OFFICER)).get(f"/assignments/{given[0]}")
    page = page.submit("Withdraw the question")
    assert page.has("The question is withdrawn. The clock goes on.")
    assert page.has("withdrawn", "Ask the unit above")


def test_questions_of_others_do_not_exist(tree, given, at_desk, now):
    question = asked(tree, given[0], now)
    strangers = [tree.holder(tree.villages[1], Role.OFFICER), tree.holder(tree.townships[1], Role.SUPERVISOR)]
    strangers.append(tree.holder(tree.townships[0], Role.SUPERVISOR, Line.UNION))
    for stranger in strangers:
        visitor = at_desk(stranger, attacks=True)
        visitor.get(f"/questions/{question}", status=404)
        visitor.get(f"/assignments/{given[0]}/ask", status=404)
        for verb in ("answer", "withdraw"):
            visitor.post(f"/questions/{question}/{verb}", {"words": "可以"}, status=404)
        visitor.post(f"/assignments/{given[0]}/ask", {"words": "为什么"}, status=404)
    seer = at_desk(tree.holder(tree.villages[0], Role.OFFICER), attacks=True)
    seer.post(f"/questions/{question}/answer", {"words": "可以"}, status=403)
    assert db.session.get(Question, question).answered_at is None


def test_urging_lists_first_and_then_does_what_it_listed(tree, given, at_desk, monkeypatch, now):
    page = at_desk(tree.holder(tree.county, Role.DISPATCHER)).get("/assignments").click("Urge these")
    assert page.has("6 assignments will be urged", "柳林东村妇联", tree.holder(tree.villages[0], Role.OFFICER).name)
    page = page.submit("Urge 6 assignments", words="请于周五前签收")
    assert page.has("6 assignments urged. Their officers have been told.")
    page.visitor.get("/urge?id=abc", status=404)
    page = page.visitor.get(f"/urge?id={given[0]}&id={given[1]}")
    assert page.has("None of these can be urged now", "Urged less than a working day ago", "last urged")
    ledger = page.visitor.get(f"/assignments/{given[0]}/ledger")
    assert ledger.has("urged 1 time by hand", "urged the unit", "请于周五前签收", "Urged by hand")
    assert len(db.session.scalars(select(Event.id).where(Event.tag == "assignment:dispatcher:urge")).all()) == 6


def test_urging_the_units_of_others_is_not_possible(tree, given, at_desk):
    for stranger in (tree.holder(tree.townships[1], Role.SUPERVISOR),
                     tree.holder(tree.townships[0], Role.SUPERVISOR, Line.UNION)):  # fmt: skip
        visitor = at_desk(stranger, attacks=True)
        visitor.get(f"/urge?id={given[0]}", status=404)
        visitor.post(f"/urge?id={given[0]}", {"words": ""}, status=404)
    officer = at_desk(tree.holder(tree.villages[0], Role.OFFICER), attacks=True)
    officer.get(f"/urge?id={given[0]}", status=403)
    officer.post(f"/urge?id={given[0]}", {"words": ""}, status=403)
    assert db.session.scalar(select(Assignment.urged_at).where(Assignment.urged_at.is_not(None))) is None


def test_the_ledger_tells_what_was_sent_and_what_will_be(tree, given, at_desk, monkeypatch, now):
    person = tree.holder(tree.villages[0], Role.OFFICER)
    later = now + 8 * DAY
    for sweep in Sweep:
        with unit_of_work():
            fire(sweep, now=later)
    monkeypatch.setattr(clock, "now", lambda: later)
    page = at_desk(tree.holder(tree.county, Role.DISPATCHER)).get(f"/assignments/{given[0]}/ledger")
    assert page.has("What was sent and what will be sent", "not sent: a later message said more", f"to {person.name}")
    assert page.has("Still to come if nothing is done", "escalates to the officers, the unit two levels up (at once)")
    assert page.has(tree.holder(tree.townships[0], Role.SUPERVISOR).name, "Tue 1 Dec · escalates to the officers")
