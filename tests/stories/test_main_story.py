"""One task from plan to approval, in the browser, with the scheduler running: the steps of the README.

The share of enterprises with a trade union (企业法人单位建会率) is dispatched, signed for, checked in, submitted with
a photo, returned, submitted again, and approved at every level; the board turns green and the ledger shows it all.
"""

import io
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from campaign.rules.organisation import Line, Role

from .conftest import Opens
from .people import Crowd, Someone, who_is
from .product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CAMPAIGN = "关于推进党工共建创先争优活动的实施方案"
TASK = "企业建会和职工入会（“两个普遍”）"
UNIT = "石桥镇工会"
COUNTY, TOWNSHIP = "990101000000", "990101001000"
SHEET = {"name": "报表.csv", "mimeType": "text/csv", "buffer": b"a,b\n41,46\n"}
TOLD = "已走访二十三家企业，其中五家正在筹备。"
SAID = "照片看不清挂牌单位名称，请补一张。"
# What stands on the pages: by the name used here, in Chinese and in English.
SAYS = {
    "preview": ("预览并下达", "Preview and dispatch"),
    "dispatch": (r"下达 \d+ 份任务单", r"Dispatch \d+ assignments"),
    "board": ("查看看板", "Open the board"),
    "sign": ("签收：", "Sign for: "),
    "told": ("还没办完？先报进展", "Not finished yet? Tell how it stands"),
    "progress": ("进展", "Progress"),
    "note": ("简要说明", "In a few words"),
    "check in": ("报送进展", "Send check-in"),
    "report": ("做法和成效", "What was done and what came of it"),
    "submit": ("提交审核", "Submit for review"),
    "second": ("提交第2版", "Submit version 2"),
    "album": ("从相册添加", "Choose photos for "),
    "file": ("选择文件添加", "Choose files for "),
    "approve": ("通过", "Approve"),
    "return": ("退回…", "Return…"),
    "reason": ("材料不清楚", "Evidence unclear"),
    "words": ("对经办人说：需要修改什么", "To the officer: what has to be changed"),
    "give back": ("退回给", "Return to"),
    "revise": ("修改：", "Revise: "),
    "up": ("已通过并报上一级审核", "Approved and passed up"),
    "finished": ("任务单办结", "The assignment is done"),
    "done": ("办结", "Done"),
    "campaigns": ("活动", "Campaigns"),
    "to review": ("待审", "To review"),
    "to do": ("待办", "To do"),
    "version 1": ("第1版", "Version 1"),
    "version 2": ("第2版", "Version 2"),
    "uploaded": ("已上传", "Uploaded"),
}
WORDS = {code: {name: pair[place] for name, pair in SAYS.items()} for place, code in enumerate(("zh_CN", "en"))}


Say = dict[str, str]


def photo(colour: str) -> dict[str, object]:
    """A photo as a phone takes it, to be chosen in a file field."""
    stream = io.BytesIO()
    Image.new("RGB", (1600, 1200), colour).save(stream, "JPEG", quality=60)
    return {"name": f"挂牌-{colour}.jpg", "mimeType": "image/jpeg", "buffer": stream.getvalue()}


def adds(someone: Someone, say: Say, how: str, what: str, file: dict[str, object]) -> None:
    """Chooses a file and waits until its tile says that it is there."""
    before = someone.page.get_by_text(say["uploaded"]).count()
    someone.page.get_by_label(f"{say[how]}{what}", exact=True).set_input_files([file])
    someone.page.get_by_text(say["uploaded"]).nth(before).wait_for()


def fills_in(someone: Someone, first: str, second: str, words: str, say: Say) -> None:
    """The figures and the words of the report."""
    figures = {"已建会企业法人单位": first, "企业法人单位": second, "会员": "2790", "职工": "3000"}
    for name, value in (figures | {say["report"]: words}).items():
        someone.field(name).fill(value)


def dispatches(dispatcher: Someone, say: Say) -> None:
    """From the list of campaigns over the preview to the dispatch."""
    dispatcher.goes_to(say["campaigns"])
    dispatcher.press(dispatcher.link(CAMPAIGN))
    dispatcher.press(dispatcher.link(f"{say['preview']} {TASK}"))
    dispatcher.reads(UNIT)
    dispatcher.press(dispatcher.button(re.compile(say["dispatch"])))
    dispatcher.reads(TASK)


def reports(officer: Someone, say: Say) -> None:
    """Signs for it, checks in, submits with a photo."""
    page = officer.page
    officer.press(officer.button(f"{say['sign']}{TASK}"))
    page.get_by_text(say["told"]).click()
    page.get_by_text(say["progress"], exact=True).click()
    officer.field(say["note"], exact=False).fill(TOLD)
    officer.press(officer.button(say["check in"]))
    fills_in(officer, "41", "46", "两个普遍工作已覆盖全镇规模以上企业。", say)
    adds(officer, say, "album", "新建会企业挂牌照片", photo("teal"))
    adds(officer, say, "file", "分子、分母报表", SHEET)
    officer.look()
    officer.press(officer.button(say["submit"]))
    officer.reads(say["version 1"])


def opens_the_item(reviewer: Someone, say: Say) -> None:
    """From the queue to the submission."""
    reviewer.goes_to(say["to review"])
    item = reviewer.link(re.compile(rf"{UNIT}.*{re.escape(TASK)}", re.DOTALL))
    reviewer.press(item)
    reviewer.reads(UNIT, TASK)


def returns(reviewer: Someone, say: Say) -> None:
    """Gives it back with a reason and words."""
    opens_the_item(reviewer, say)
    page = reviewer.page
    page.locator("summary").filter(has_text=say["return"]).click()
    page.get_by_label(say["reason"], exact=True).check()
    reviewer.field(say["words"]).fill(SAID)
    reviewer.look()
    reviewer.press(reviewer.button(re.compile(f"^{say['give back']}")))


def sends_the_second(officer: Someone, say: Say) -> None:
    """Reads why it came back, corrects, submits again."""
    officer.open("/messages")
    officer.reads(TASK)
    officer.goes_to(say["to do"])
    officer.press(officer.link(f"{say['revise']}{TASK}"))
    officer.reads(SAID)
    adds(officer, say, "album", "新建会企业挂牌照片", photo("maroon"))
    fills_in(officer, "42", "46", "两个普遍工作已覆盖全镇规模以上企业，另补挂牌照片。", say)
    officer.press(officer.button(say["second"]))
    officer.reads(say["version 2"])


def approves(reviewer: Someone, say: Say, then: str) -> None:
    """Looks at what changed, and passes it."""
    opens_the_item(reviewer, say)
    reviewer.reads("41/46", "42/46")
    reviewer.press(reviewer.button(re.compile(f"^{say['approve']}")))
    reviewer.reads(then)


@pytest.fixture
def product(request: pytest.FixtureRequest, database: str, opens: Opens, tmp_path: Path) -> Product:
    """The demonstration, not yet started: copied, or loaded into an empty PostgreSQL."""
    folder = tmp_path / "product"
    if not database.startswith("sqlite"):
        product = opens(folder, DATABASE_URL=database)
        product.run("campaign", "demo", "load")
        return product
    shutil.copytree(request.getfixturevalue("demonstration"), folder)
    return opens(folder)


@pytest.mark.parametrize(
    ("shape", "language", "database"),
    [
        ("phone", "zh_CN", "sqlite"), ("phone", "en", "sqlite"), ("desk", "zh_CN", "sqlite"), ("desk", "en", "sqlite"),
        ("desk", "zh_CN", "postgres"),
    ],
    indirect=["database"],
)  # fmt: skip
def test_from_plan_to_approval(product: Product, crowd: Crowd, language: str) -> None:
    say = WORDS[language]
    with product.within():
        names = {
            "dispatcher": who_is(Role.DISPATCHER, COUNTY, Line.PARTY),
            "officer": who_is(Role.OFFICER, TOWNSHIP, Line.UNION),
            "union": who_is(Role.SUPERVISOR, COUNTY, Line.UNION),
            "party": who_is(Role.SUPERVISOR, COUNTY, Line.PARTY),
        }
    product.start()
    dispatcher = crowd.enters(names["dispatcher"])
    dispatches(dispatcher, say)
    officer = crowd.enters(names["officer"])
    reports(officer, say)
    union = crowd.enters(names["union"])
    returns(union, say)
    sends_the_second(officer, say)
    approves(union, say, say["up"])
    approves(crowd.enters(names["party"]), say, say["finished"])

    dispatcher.goes_to(say["campaigns"])
    dispatcher.press(dispatcher.link(CAMPAIGN))
    dispatcher.press(dispatcher.link(say["board"]))
    cell = dispatcher.link(re.compile(rf"{say['done']}.*石桥镇.*{re.escape(TASK)}", re.DOTALL))
    dispatcher.enters(cell)  # one assignment stands behind it, so this is its ledger
    dispatcher.reads("41/46", "42/46", SAID, TOLD, say["version 1"], say["version 2"])
    officer.open("/messages")
    officer.reads(TASK)
