"""The clock among people: a question stops it, an urge, a day that is moved, a stand-in; all on pages and by mail.

The scheduler process runs throughout. A question that took days was asked days ago; the digest of tomorrow is one run
of `deliver` for tomorrow. Everybody wishes to be told at any hour, so the story can be told at any hour.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Occasion, Person
from campaign.operations.issuing import dispatch
from campaign.operations.questions import ask
from campaign.operations.reporting import acknowledge
from campaign.rules.dates import DueKind, end_of_day
from campaign.rules.organisation import SYSTEM, Line, Role
from tests import make
from tests.notify.sink import Sink, running

from .conftest import Opens
from .people import Crowd, Someone
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VISITS, CONGRESS_TASK, CONGRESS = "留守儿童集中走访", "迎接党代会", "县党代会"
QUESTION, ANSWER, AGAIN = "外出务工家庭是否计入？", "计入，按户籍所在地统计。", "搬迁户归哪个村？"
URGED, WHY, AWAY = "请今天内先报进展。", "县委已定会期", "参加培训"
SAYS = {
    "zh_CN": {
        "me": "我的", "messages": "消息", "campaigns": "活动", "saved": "已保存", "save": "保存",
        "rest days": "周末和节假日也通知我", "quiet": "免打扰开始", "never": "不设免打扰", "told how": "通知方式",
        "answer": "答复", "send answer": "提交答复", "answered": "已答复，恢复计时。", "given back": "期限顺延 3 天",
        "ask": "提问/请示", "question": "请示内容", "send question": "提交请示", "waits": "待答复",
        "still": "暂停计时", "first due": "首次期限", "line": "提醒与督办时间表",
        "urge": "催办…", "urge one": "催办 1 份任务单", "urge words": "催办内容", "urged": "已催办 1 份任务单",
        "recent": "一个工作日内已催办", "urged letter": f"催办：{VISITS}",
        "move": f"调整日期 {CONGRESS}", "new day": "新日期", "show": "查看影响", "reason": "原因",
        "move one": "调整 1 份任务单", "moved": "日期已保存。1 份任务单的期限已随之调整",
        "moved letter": f"期限调整：{CONGRESS_TASK}",
        "away": "我要请假：指定代办人", "stand-in": "代办人", "last day": "截止日期", "name": "指定代办人",
        "named": "代办人已指定", "acts for": "您代{}办理", "both": "{}（代{}）",
        "sign": f"签收：{CONGRESS_TASK}", "not finished": "还没办完？先报进展", "progress": "进展",
        "note": "简要说明", "check in": "报送进展",
    },
    "en": {
        "me": "Me", "messages": "Messages", "campaigns": "Campaigns", "saved": "Saved.", "save": "Save",
        "rest days": "Tell me on weekends and holidays too", "quiet": "Quiet from", "never": "never",
        "told how": "How I am told",
        "answer": "Answer", "send answer": "Send the answer", "answered": "Answered. The clock goes on.",
        "given back": "3 days were given back",
        "ask": "Ask the unit above", "question": "Your question", "send question": "Send the question",
        "waits": "Waits for an answer", "still": "the clock stands still", "first due": "First due",
        "line": "What was sent and what will be sent",
        "urge": "Urge…", "urge one": "Urge 1 assignment", "urge words": "What you want to say",
        "urged": "1 assignment urged.", "recent": "Urged less than a working day ago",
        "urged letter": f"Urged: {VISITS}",
        "move": f"Move the day {CONGRESS}", "new day": "New day", "show": "Show what moves", "reason": "Reason",
        "move one": "Move 1 assignment", "moved": "1 assignment has new dates",
        "moved letter": f"Dates moved: {CONGRESS_TASK}",
        "away": "I will be away: name a stand-in", "stand-in": "Stand-in", "last day": "Last day",
        "name": "Name the stand-in", "named": "The stand-in is named.", "acts for": "You act for {}",
        "both": "{} for {}", "sign": f"Sign for: {CONGRESS_TASK}",
        "not finished": "Not finished yet? Tell how it stands", "progress": "Progress",
        "note": "In a few words", "check in": "Send check-in",
    },
}  # fmt: skip
PATIENCE = 60  # seconds
ONE_DELIVERY = 12  # seconds: longer than the period of the job that sends mail

Say = dict[str, str]


@dataclass(frozen=True)
class County:
    """What the story is about: two assignments of one village, its campaign, who takes part."""

    visits: int
    congress: int
    campaign_id: int
    due: date
    logins: dict[str, str]
    names: dict[str, str]


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A real mail server on this machine."""
    with running(Sink()) as found:
        yield found


@pytest.fixture
def product(database: str, sink: Sink, opens: Opens, tmp_path: Path) -> Product:
    """An installation that sends its mail to the sink."""
    return opens(tmp_path / "data", DATABASE_URL=database, ENV="test", SMTP_URL=sink.url)


def build(language: str) -> County:
    """A village with a task whose question has waited for two days and a half, and one that depends on a congress."""
    tree, now = make.small_tree(), clock.now()
    village = tree.villages[0]
    people = {
        "officer": tree.holder(village, Role.OFFICER),
        "colleague": tree.holder(village, Role.OFFICER, Line.PARTY),
        "township": tree.holder(tree.townships[0], Role.SUPERVISOR),
        "county": tree.holder(tree.county, Role.DISPATCHER),
    }
    with unit_of_work():
        for name, person in people.items():
            mine = update(Person).where(Person.id == person.id)
            db.session.execute(mine.values(email=f"{name}@example.org", locale=language))
    plan, due = make.campaign(tree.unit(tree.county)), clock.local_today(now) + timedelta(days=20)
    with unit_of_work() as session:
        occasion = Occasion(campaign_id=plan.id, position=1, name=CONGRESS, happens_on=due)
        session.add(occasion)
        session.flush()
    only = {"units": [tree.unit(village)], "respond_days": None}
    visits = make.task(plan, title=VISITS, due_on=due, **only)
    depends = {"due_kind": DueKind.OCCASION, "due_on": None, "due_days": -1, "occasion_id": occasion.id}
    congress = make.task(plan, title=CONGRESS_TASK, **depends, **only)
    with unit_of_work():
        for task in (visits, congress):
            dispatch(task.id, actor=SYSTEM, now=now - timedelta(days=5))
    ids = dict(db.session.execute(select(Assignment.task_id, Assignment.id)).tuples().all())
    officer = make.actor(people["officer"])
    with unit_of_work():
        acknowledge(ids[visits.id], actor=officer, now=now - timedelta(days=4), seen=1)
        ask(ids[visits.id], QUESTION, actor=officer, now=now - timedelta(hours=60))
    return County(
        ids[visits.id], ids[congress.id], plan.id, due,
        {name: person.login for name, person in people.items()},
        {name: person.name for name, person in people.items()},
    )  # fmt: skip


def until(what: str, holds: Callable[[], bool]) -> None:
    """Waits for the scheduler to have done something."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.3)


def letters(sink: Sink, person: str, words: str) -> int:
    """How many letters to that person say this."""
    mine = [one for one in list(sink.letters) if one["To"].addresses[0].username == person]
    return sum(words in f"{one['Subject']}\n{one.get_body(('plain',)).get_content()}" for one in mine)


def due_of(product: Product, assignment_id: int) -> datetime:
    """The due date as it is kept."""
    with product.within():
        return db.session.execute(select(Assignment.due_at).where(Assignment.id == assignment_id)).scalar_one()


def wishes_to_be_told_at_any_hour(someone: Someone, say: Say) -> None:
    """On the person's own page: no quiet hours, and on rest days too."""
    someone.open("/me/messages")
    someone.page.get_by_label(say["quiet"]).select_option(label=say["never"])
    someone.page.get_by_label(say["rest days"]).check()
    someone.press(someone.button(say["save"]))
    someone.reads(say["told how"], say["saved"])


def answers(boss: Someone, county: County, say: Say) -> None:
    """The supervisor finds the question that waits, and answers it."""
    boss.open("/questions")
    boss.reads(QUESTION, VISITS)
    boss.press(boss.link(re.compile(f"^{say['answer']}")))
    boss.field(say["answer"]).fill(ANSWER)
    boss.press(boss.button(say["send answer"]))
    boss.reads(say["answered"])


def asks(officer: Someone, county: County, say: Say) -> None:
    """The officer reads the answer and the new date, and asks once more."""
    officer.open(f"/assignments/{county.visits}")
    officer.reads(say["first due"])
    officer.page.locator("summary").filter(has_text=re.compile("提问与答复|Questions and answers")).click()
    officer.reads(QUESTION, ANSWER, say["given back"])
    officer.press(officer.link(say["ask"]))
    officer.field(say["question"], exact=False).fill(AGAIN)
    officer.press(officer.button(say["send question"]))
    officer.reads(AGAIN, say["waits"], say["still"])


def urges(boss: Someone, county: County, say: Say) -> None:
    """The supervisor urges from the ledger, and finds that once is enough for a working day."""
    ledger = f"/assignments/{county.congress}/ledger"
    boss.open(ledger)
    boss.reads(say["line"])
    boss.press(boss.link(say["urge"]))
    boss.field(say["urge words"], exact=False).fill(URGED)
    boss.press(boss.button(say["urge one"]))
    boss.reads(say["urged"], URGED)
    boss.press(boss.link(say["urge"]))
    boss.reads(say["recent"])
    assert boss.button(say["urge one"]).count() == 0


def moves_the_day(dispatcher: Someone, county: County, say: Say) -> None:
    """The dispatcher sees what moves, says why, and moves it: ten days later."""
    dispatcher.open(f"/campaigns/{county.campaign_id}")
    dispatcher.press(dispatcher.link(say["move"]))
    dispatcher.page.get_by_label(say["new day"]).fill((county.due + timedelta(days=10)).isoformat())
    dispatcher.press(dispatcher.button(say["show"]))
    dispatcher.reads(CONGRESS_TASK)
    dispatcher.field(say["reason"], exact=False).fill(WHY)
    dispatcher.press(dispatcher.button(say["move one"]))
    dispatcher.reads(say["moved"])


def names_a_stand_in(officer: Someone, county: County, say: Say) -> None:
    """The officer will be away, and lends the post to a colleague."""
    officer.open("/")
    officer.press(officer.link(say["me"]))  # “Messages” begins like “Me”
    officer.press(officer.link(say["away"]))
    page, name = officer.page, county.names["colleague"]
    choice = page.get_by_label(say["stand-in"], exact=False).and_(page.locator("select"))
    choice.select_option(value=choice.locator("option").filter(has_text=name).get_attribute("value"))
    page.get_by_label(say["last day"], exact=False).fill((county.due - timedelta(days=15)).isoformat())
    officer.field(say["reason"], exact=False).fill(AWAY)
    officer.press(officer.button(say["name"]))
    officer.reads(say["named"], name, AWAY)


def acts_for_the_officer(colleague: Someone, county: County, say: Say) -> None:
    """The stand-in signs for the task and checks in; both names stand there."""
    colleague.reads(say["acts for"].format(county.names["officer"]))
    colleague.press(colleague.button(say["sign"]))
    colleague.page.get_by_text(say["not finished"]).click()
    colleague.page.get_by_text(say["progress"], exact=True).click()
    colleague.field(say["note"], exact=False).fill("名册已收齐。")
    colleague.press(colleague.button(say["check in"]))


@pytest.mark.parametrize(
    ("shape", "language", "database"),
    [("phone", "zh_CN", "sqlite"), ("desk", "en", "postgres")],
    indirect=["database"],
)
def test_the_clock_among_people(product: Product, sink: Sink, crowd: Crowd, language: str) -> None:
    say = SAYS[language]
    with product.within():
        county = build(language)
    before = due_of(product, county.visits)
    assert before == end_of_day(county.due, "Asia/Shanghai")
    product.start("web")  # nothing is sent before all have said when they want to be told
    who = {name: crowd.enters(login, make.PASSWORD) for name, login in county.logins.items()}
    for someone in who.values():
        wishes_to_be_told_at_any_hour(someone, say)
    product.start("clock")

    answers(who["township"], county, say)
    assert due_of(product, county.visits) == before + timedelta(days=3)
    until("the answer comes at once", lambda: letters(sink, "officer", ANSWER) == 1)
    asks(who["officer"], county, say)
    until("the question comes at once", lambda: letters(sink, "township", AGAIN) == 1)

    urges(who["township"], county, say)
    until("the urge comes at once", lambda: letters(sink, "officer", URGED) == 1)

    moves_the_day(who["county"], county, say)
    assert due_of(product, county.congress) == end_of_day(county.due + timedelta(days=9), "Asia/Shanghai")
    names_a_stand_in(who["officer"], county, say)
    acts_for_the_officer(enters_again(who["colleague"]), county, say)
    ledger = who["county"]
    ledger.open(f"/assignments/{county.congress}/ledger")
    ledger.reads(say["both"].format(county.names["colleague"], county.names["officer"]), CONGRESS, WHY, say["line"])

    time.sleep(ONE_DELIVERY)  # what is not urgent waits for the digest
    assert letters(sink, "officer", say["moved letter"]) == 0
    for days in (1, 2):
        tomorrow = datetime.now(UTC) + timedelta(days=days)
        product.run("jobs", "run", "deliver", "--at", tomorrow.isoformat())
        assert letters(sink, "officer", say["moved letter"]) == 1, "the digest says it once"
    assert letters(sink, "officer", URGED) == letters(sink, "officer", ANSWER) == 1
    assert len(set(sink.keys())) == len(sink.keys()), "a letter was sent twice"
    product.run("campaign", "log", "verify")


def enters_again(someone: Someone) -> Someone:
    """Opens the first page anew."""
    someone.open("/")
    return someone
