"""The officer's pages in a real browser, on phone and desk: photos go up by themselves, nothing typed is lost."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make

pytestmark = pytest.mark.browser
WORDS = "两期手工编织班已办完，学员当场接单。" * 3


@pytest.fixture
def assignment(app):
    """Asks a count, an amount, a rate, two photos and twenty characters; without end, whatever the day is."""
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), title="农村妇女创业就业服务", min_characters=20)
    make.metric(task, target=12, name="带动就业", unit_of_measure="人")
    make.metric(task, MetricKind.AMOUNT, target=300_000, name="贷款投放额")
    make.metric(task, MetricKind.RATE, name="建站率", numerator_name="已建站", denominator_name="总数")
    make.evidence_rule(task, name="现场照片", min_count=2)
    unit = tree.unit(tree.villages[0])
    dates = {"due_at": None, "respond_by": None, "cut_off_at": None}
    made = make.assignment(task, unit, State.ACKNOWLEDGED, **dates)
    make.assignment(make.task(task.campaign, title="平安家庭创建"), unit, State.ISSUED, **dates)
    return made, tree.holder(tree.villages[0], Role.OFFICER)


@pytest.fixture
def page(window, assignment):
    """The officer has signed in."""
    window.page.goto("/sign-in")
    window.page.fill('[name="login"]', assignment[1].login)
    window.page.fill('[name="password"]', make.PASSWORD)
    window.page.click("main button[type=submit]")
    expect(window.page.locator("h1")).to_have_text("待办")
    return window.page


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Two pictures on the phone."""
    paths = [tmp_path / f"现场{number}.jpg" for number in (1, 2)]
    for shade, path in zip((40, 200), paths, strict=True):
        Image.new("RGB", (640, 480), (shade, 90, 60)).save(path)
    return [str(path) for path in paths]


def test_a_report_with_two_photos(page, window, assignment, photos):
    task = assignment[0].task_id
    page.goto(f"/assignments/{assignment[0].id}")
    window.axe()
    window.fits()
    expect(page.locator("#missing li")).to_have_count(5)
    numbers = page.locator("[name^=metric-]")
    for place, text in enumerate(("11", "30.5", "5", "6")):
        numbers.nth(place).fill(text)
    expect(page.locator("[data-rate] output")).to_have_text("83.3%")
    page.locator('input[type="file"][multiple]').first.set_input_files(photos)
    expect(page.locator(".tile-done")).to_have_count(2)
    page.fill("#words", WORDS)
    expect(page.locator("#draft-line")).to_contain_text("草稿已保存")
    expect(page.locator("#missing")).to_be_hidden()
    page.reload()
    expect(page.locator(".tile-done")).to_have_count(2)
    expect(numbers.nth(1)).to_have_value("30.5")
    window.axe()
    page.click("#submit")
    expect(page).to_have_url(re.compile("/receipt$"))
    expect(page.locator("main")).to_contain_text(f"-{task:04d}-{assignment[0].id:04d}-1")
    window.axe()


def test_what_was_prefilled_keeps_its_meaning_when_the_unit_changes(page, assignment):
    page.goto(f"/assignments/{assignment[0].id}")
    page.locator("[name^=metric-]").nth(1).fill("30.5")
    expect(page.locator("#draft-line")).to_contain_text("草稿已保存")
    page.reload()
    amount = page.locator("[name^=metric-]").nth(1)
    page.locator("label:has([name=money][value=yuan])").click()
    expect(amount).to_have_value("305000")
    page.locator("label:has([name=money][value=wan])").click()
    expect(amount).to_have_value("30.5")
    amount.fill("40")
    page.locator("label:has([name=money][value=yuan])").click()
    expect(amount).to_have_value("40")


def test_a_photo_goes_on_where_the_line_broke_and_after_the_page_was_closed(page, window, assignment, tmp_path, app):
    photo = tmp_path / "现场.jpg"
    Image.effect_noise((1500, 1200), 90).convert("RGB").save(photo, quality=97)  # about two megabytes
    offsets = []

    def breaks(route):
        offsets.append(int(route.request.url.rpartition("=")[2]))
        if len(offsets) in (2, 3, 5) or len(offsets) > 6:
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*?offset=*", breaks)
    page.goto(f"/assignments/{assignment[0].id}")
    page.locator('input[type="file"][multiple]').first.set_input_files(photo)
    expect(page.locator(".tile-busy .state")).to_contain_text("网络中断", timeout=20_000)
    page.unroute("**/uploads/*?offset=*")
    page.reload()  # as somebody does who lost patience: the browser has kept the file
    expect(page.locator(".tile-done")).to_have_count(1, timeout=20_000)
    safe = offsets[-1]
    assert safe > 0, offsets
    assert offsets == sorted(offsets), "no byte that was safe was sent again"
    window.errors.clear()  # the browser itself says that the line was broken
    page.reload()
    expect(page.locator(".tile-done")).to_have_count(1)
    page.locator('input[type="file"][multiple]').first.set_input_files(photo)
    expect(page.locator(".tile-done .state")).to_contain_text("已在此处")
    page.locator(".tile").get_by_text("移除").click()
    expect(page.locator(".tile")).to_have_count(0)
    expect(page.locator("#draft-line")).to_contain_text("草稿已保存")


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_page_is_for_everybody(page, window, language):
    for path in ("/", "/assignments", "/messages", "/me", "/assignments/2"):
        window.reads(language)
        page.goto(path)
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true }")
        window.axe()
        window.fits()
