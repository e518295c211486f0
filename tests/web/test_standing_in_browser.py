"""The pages of leave, illness, handing over and vacancies in a real browser, on phone and desk."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Post
from campaign.operations.delegation import Wish, name_stand_in
from campaign.operations.handover import Handing, hand_over
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, submit
from campaign.queries.people import actor_of
from campaign.rules.organisation import Line, Role
from tests import make

pytestmark = pytest.mark.browser
TODAY = make.TODAY


class Week:
    """Somebody is on leave, somebody has gone, one post is vacant and one ends."""

    def __init__(self):
        self.tree = tree = make.small_tree()
        task = make.task(make.campaign(tree.unit(tree.county)), "农村妇女创业就业服务")
        with unit_of_work():
            dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=make.NOW)
        places = select(Assignment.unit_id, Assignment.id)
        self.ids = dict(db.session.execute(places).tuples().all())
        self.holder = tree.holder(tree.villages[0], Role.OFFICER)
        self.other = tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)
        self.boss = make.holder(tree.unit(tree.county, Line.PARTY), Role.ADMINISTRATOR)
        self.dispatcher = tree.holder(tree.county, Role.DISPATCHER)
        self.work = self.ids[tree.unit(tree.villages[0]).id]
        self.vacant = tree.unit(tree.townships[0]).id
        self.lend()
        self.end(tree.holder(tree.townships[0], Role.SUPERVISOR), TODAY - timedelta(days=1))
        self.end(tree.holder(tree.villages[1], Role.OFFICER), TODAY - timedelta(days=1))
        self.end(tree.holder(tree.villages[2], Role.OFFICER), TODAY + timedelta(days=5))

    def post(self, person):
        return db.session.scalars(select(Post.id).where(Post.person_id == person.id)).one()

    def end(self, person, on):
        with unit_of_work() as session:
            session.get_one(Post, self.post(person)).valid_to = on

    def lend(self):
        days = TODAY, TODAY + timedelta(days=10)
        with unit_of_work():
            wish = Wish(self.post(self.holder), self.other.id, *days, "住院治疗，出院日期待定")
            name_stand_in(wish, actor=actor_of(self.holder.id, TODAY), now=make.NOW)
        acting = actor_of(self.other.id, TODAY)
        with unit_of_work():
            acknowledge(self.work, actor=acting, now=make.NOW, seen=1)
            submit(self.work, Report("办完了"), actor=acting, now=make.NOW, seen=2)
        fourth = self.tree.holder(self.tree.villages[3], Role.OFFICER)
        with unit_of_work():
            handing = Handing(fourth.id, self.holder.id, (self.post(fourth),), TODAY, "名册在文件柜第二层")
            hand_over(handing, actor=actor_of(self.boss.id, TODAY), now=make.NOW)

    def pages(self):
        """Who looks, and where."""
        work = f"/assignments/{self.work}"
        yield self.holder, ["/", "/me", "/me/delegations", work, f"{work}/ledger", "/messages"]
        yield self.other, ["/", "/me/delegations", work]
        yield self.dispatcher, [*(f"/vacancies?gap={gap}" for gap in range(1, 5)), f"/vacancies/{self.vacant}"]
        person = f"/admin/people/{self.holder.id}"
        yield self.boss, [person, f"{person}/stand-in", f"{person}/hand-over", "/vacancies", "/vacancies?gap=3"]


@pytest.fixture
def week(app, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: make.NOW)
    return Week()


def looked_at(window, name):
    """Every page is readable by ear and fits the window."""
    window.axe()
    window.fits()


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_every_page_fits_and_can_be_heard(window, week, locale):
    page, number = window.page, 0
    for person, paths in week.pages():
        page.context.clear_cookies()
        page.goto("/sign-in")
        window.reads(locale)
        page.reload()
        page.fill('[name="login"]', person.login)
        page.fill('[name="password"]', make.PASSWORD)
        page.click("main button[type=submit]")
        for path in paths:
            number += 1
            page.goto(path)
            looked_at(window, f"{number:02d}")
        if person is week.boss:
            page.goto(f"/admin/people/{week.holder.id}/hand-over")
            page.select_option('[name="to_id"]', str(week.other.id))
            page.click('button[name="preview"]')
            looked_at(window, "90")
    assert number == 19
