"""What a report still lacks: kinds and counts, the proof of what is ticked, and what is older than the task."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from campaign.rules.metrics import Value
from campaign.rules.plans import EvidenceKind
from campaign.rules.requirements import EvidenceNeed, Given, Needs, missing, shortfall
from campaign.rules.windows import When, first_moment, when_taken
from campaign.rules.wording import SAME, resemblance, sketch

BEGINS = datetime(2026, 11, 1, tzinfo=UTC)
SENT = BEGINS + timedelta(days=10)
DUE = BEGINS + timedelta(days=8)
JPEG, PDF = "image/jpeg", "application/pdf"
DAY = timedelta(days=1)


def when(at, due=DUE):
    return when_taken(at, begins=BEGINS, due_at=due, sent_at=SENT)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, When.UNKNOWN),
        (datetime(1980, 1, 1, tzinfo=UTC), When.UNKNOWN),  # a camera that lost its battery
        (BEGINS - timedelta(seconds=1), When.BEFORE),
        (BEGINS, When.INSIDE),
        (DUE, When.INSIDE),
        (DUE + DAY, When.AFTER),
        (SENT + timedelta(hours=20), When.AFTER),
        (SENT + 2 * DAY, When.AHEAD),
    ],
)
def test_where_a_capture_lies(at, expected):
    assert when(at) is expected
    assert when(SENT - DAY, due=None) is When.INSIDE


def test_a_tasks_time_begins_with_its_day():
    late = datetime(2026, 11, 1, 15, 30, tzinfo=UTC)  # half past eleven in the evening in Shanghai
    assert first_moment(late, None, "Asia/Shanghai") == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert first_moment(late, BEGINS.date() + 3 * DAY, "Asia/Shanghai") == datetime(2026, 11, 3, 16, tzinfo=UTC)


PHOTO = EvidenceNeed(1, "现场照片", EvidenceKind.PHOTO, 2, in_time=True)
PROOF = EvidenceNeed(2, "制度", EvidenceKind.DOCUMENT, 1, metric_id=7, item=3, item_name="有制度")


def ticked(text: str) -> dict[int, Value]:
    return {7: Value(number=Decimal(0), text=text)}


@pytest.mark.parametrize(
    ("need", "values", "files", "lack"),
    [
        (PHOTO, {}, [], 2),
        (PHOTO, {}, [Given(1, JPEG, SENT - DAY, SENT), Given(1, PDF, None, SENT)], 1),
        (PHOTO, {}, [Given(1, JPEG, BEGINS - DAY, SENT), Given(1, JPEG, None, SENT)], 1),
        (PHOTO, {}, [Given(1, JPEG, SENT - DAY, SENT), Given(1, JPEG, None, SENT), Given(1, JPEG, None, SENT)], 0),
        (PHOTO, {}, [Given(2, JPEG, SENT, SENT), Given(None, JPEG, SENT, SENT)], 2),
        (PROOF, {}, [], 0),
        (PROOF, ticked("1,2"), [], 0),
        (PROOF, ticked("1,3"), [], 1),
        (PROOF, ticked("3"), [Given(2, JPEG, None, SENT)], 1),
        (PROOF, ticked("3"), [Given(2, PDF, None, SENT)], 0),
    ],
)
def test_how_many_files_are_lacking(need, values, files, lack):
    needs = Needs(evidence=(need,), begins=BEGINS)
    assert shortfall(needs, need, values, files) == lack
    found = missing(needs, "", values, files)
    assert [problem.where for problem in found] == ([f"evidence-{need.id}"] if lack else [])
    assert not lack or ("有制度" in str(found[0].sentence)) == (need is PROOF)


TEXT = (
    "9月12日，我村妇联在文化广场举办农村妇女手工编织培训班，共有52名妇女参加，学员当场与合作社签订订单，带动就业11人。"
)
TASK = "各村妇联年内至少举办一期农村妇女手工编织培训班，组织学员与合作社签订订单，年底前报送培训名册和带动就业人数。"


def test_each_of_several_rules_is_asked_by_itself():
    rules = (PHOTO, EvidenceNeed(4, "名册", EvidenceKind.ANY, 1), EvidenceNeed(5, "总结", EvidenceKind.DOCUMENT, 1))
    found = missing(Needs(evidence=rules), "", {}, [])
    assert [problem.where for problem in found] == ["evidence-1", "evidence-4", "evidence-5"]


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (TEXT, True),
        (TEXT.replace("9月12日", "十月三日").replace("52", "47").replace("11", "9"), True),
        (TEXT.replace("，", " ").upper() + "特此报告", True),
        ("本村组织妇女体检，乡卫生院医生到村义诊，为留守妇女建立健康档案，发放资料二百余份，得到群众一致好评。", False),
        ("已完成。", False),
    ],
)
def test_whether_two_texts_are_the_same(other, alike):
    assert (resemblance(TEXT, other) >= SAME) is alike
    assert bool(set(sketch(TEXT)) & set(sketch(other))) is alike


def test_what_both_quote_from_the_task_does_not_count():
    own = "我村已办两期，学员王某等人当场签约，编织品由县里统一收购，下一步继续办好第三期并建立台账长期跟踪。"
    other = "本社区因场地维修推迟到腊月，已落实教室和老师，报名名单见附件，费用由社区承担，不向群众收取任何费用。"
    assert resemblance(TASK * 2 + own, TASK * 2 + other) > resemblance(TASK * 2 + own, TASK * 2 + other, TASK * 2)
    assert resemblance(TASK, TASK, TASK) == 0
