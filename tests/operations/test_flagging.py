"""What is found on evidence and words when a version is handed in, and what it is against."""

import io
import json
import random
from datetime import timedelta

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.evidence.pictures import look
from campaign.models import Capture, Flag, Submission
from campaign.operations.keeping import keep, use_again
from campaign.operations.reporting import Report, submit
from campaign.rules.flags import FlagKind
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make

WORDS = (
    "9月12日，我村妇联在文化广场举办农村妇女手工编织培训班，邀请县妇联老师现场授课，共有52名妇女参加，"
    "其中脱贫户18人，学员当场与合作社签订订单，带动就业11人。"
)
OTHER_WORDS = (
    "本村组织妇女参加健康体检活动，乡卫生院医生到村义诊，为留守妇女建立健康档案，发放宣传资料二百余份，"
    "得到群众一致好评，下一步将继续做好跟踪服务工作。"
)


def scene(seed: int, **exif) -> Image.Image:
    """A picture with something on it."""
    noise = Image.frombytes("RGB", (16, 12), random.Random(seed).randbytes(16 * 12 * 3))
    return noise.resize((1600, 1200), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(6))


def taken(at: str, picture: Image.Image) -> bytes:
    """The picture as a phone writes it."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = at
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.fixture
def tree(app):
    tree = make.small_tree()
    tree.task = make.task(make.campaign(tree.unit(tree.county)), review_levels="4")
    tree.rule = make.evidence_rule(tree.task, name="现场照片", min_count=0, in_time=True)
    return tree


@pytest.fixture
def at(app, tree, now):
    """What the officer of a village does with one assignment."""

    class Village:
        def __init__(self, number: int, task=None, period: int = 0) -> None:
            self.actor = tree.actor(tree.villages[number], Role.OFFICER)
            self.id = make.assignment(
                task or tree.task, tree.unit(tree.villages[number]), State.ACKNOWLEDGED, period=period
            ).id
            self.files: dict[int, int | None] = {}

        def adds(self, content: bytes, rule: int | None = None) -> int:
            store = app.extensions["evidence"]
            stored = store.put(io.BytesIO(content), name="a.jpg")
            looked = look(store, io.BytesIO(content), stored, zone="Asia/Shanghai")
            with unit_of_work():
                key = keep(self.id, stored, looked, "a.jpg", actor=self.actor, now=now)
            self.files[key] = rule
            return key

        def hands_in(self, words: str = "") -> list[Flag]:
            with unit_of_work():
                made = submit(self.id, Report(words, evidence=self.files), actor=self.actor, now=now, seen=1)
            self.submission = made.submission_id
            mine = select(Flag).where(Flag.submission_id == made.submission_id).order_by(Flag.id)
            return list(db.session.scalars(mine))

    return Village


def test_pictures_that_were_submitted_before(app, tree, at):
    first = at(0)
    own = first.adds(jpeg(scene(1)))
    assert first.hands_in() == []
    beside, other_place = at(1), at(5)
    beside.adds(jpeg(scene(1)))
    brighter = ImageEnhance.Brightness(scene(1).resize((900, 675))).enhance(1.15)
    other_place.adds(jpeg(brighter.transpose(Image.Transpose.ROTATE_90), 60))
    other_place.adds(jpeg(scene(2)))
    copied = beside.hands_in()
    assert [(flag.kind, flag.score, flag.against_evidence_id) for flag in copied] == [(FlagKind.SAME_BYTES, 100, own)]
    assert json.loads(copied[0].data) == {"own": False, "same_task": True, "times": 1}
    near = other_place.hands_in()
    assert [flag.kind for flag in near] == [FlagKind.SAME_PICTURE]
    assert near[0].score >= 85
    assert near[0].against_submission_id == first.submission


def test_a_piece_may_serve_two_tasks_of_a_unit_but_not_one_task_twice(app, tree, at, now):
    first = at(0)
    piece = first.adds(jpeg(scene(3)))
    first.hands_in()
    other_task = make.task(tree.task.campaign, title="另一项", review_levels="4")
    again, darker, beside = at(0, other_task), at(0, other_task, period=1), at(1, other_task)
    with unit_of_work():
        here = use_again(again.id, piece, actor=again.actor, now=now)
        assert use_again(again.id, piece, actor=again.actor, now=now) == here
    again.files[here] = None
    assert again.hands_in() == [], "the same bytes, for another task of the unit"
    darker.adds(jpeg(ImageEnhance.Brightness(scene(3)).enhance(0.9)))
    [month] = darker.hands_in()
    assert (month.kind, month.against_submission_id) == (FlagKind.SAME_PICTURE, again.submission)
    assert json.loads(month.data) == {"own": True, "same_task": True, "times": 1}
    beside.adds(jpeg(scene(3)))
    [flag] = beside.hands_in()
    assert json.loads(flag.data) == {"own": False, "same_task": False, "times": 2}


def test_what_was_captured_outside_the_tasks_time(app, tree, at, now):
    village = at(0)
    local = now + timedelta(hours=8)
    times = {"before": local - timedelta(days=400), "inside": local - timedelta(minutes=5)}
    times["ahead"] = local + timedelta(days=30)
    for place, moment in enumerate(times.values()):
        village.adds(taken(f"{moment:%Y:%m:%d %H:%M:%S}", scene(10 + place)), tree.rule.id)
    village.adds(jpeg(scene(20)), tree.rule.id)
    village.adds(jpeg(scene(21)))  # serves no rule that asks for its time
    found = village.hands_in()
    assert [json.loads(flag.data)["when"] for flag in found] == ["before", "ahead", "unknown"]
    assert {flag.kind for flag in found} == {FlagKind.OUTSIDE_WINDOW}
    kept = db.session.scalars(select(Capture.captured_at).order_by(Capture.evidence_id)).all()
    assert kept[0] == times["before"] - timedelta(hours=8)
    assert not any(f"{now.year - 1}" in flag.data for flag in found), "the time itself is not for every reader"


def test_words_that_stand_in_another_units_report(app, tree, at):
    first, own_again = at(0), at(0, make.task(tree.task.campaign, title="另一项", review_levels="4"))
    assert first.hands_in(WORDS) == []
    assert own_again.hands_in(WORDS) == [], "a unit may say the same twice"
    [flag] = at(4).hands_in(WORDS.replace("9月12日", "10月3日").replace("52", "47").replace("文化广场", "村委会"))
    assert (flag.kind, flag.score > 60) == (FlagKind.SAME_WORDS, True)
    assert db.session.get_one(Submission, flag.against_submission_id).words == WORDS
    assert at(5).hands_in(OTHER_WORDS) == []
