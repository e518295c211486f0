"""What two lines did together, on the pages: reported by one, credited to both, reviewed, and refused a second time."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Assignment, Joint
from campaign.operations.issuing import dispatch
from campaign.queries.rollup import rollup
from campaign.rules.figures import Standing
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Line, Role
from campaign.rules.targets import Quota
from tests import make

from .boards import cost, sign_in


class Together:
    """A count and an amount asked of two lines; a person at the browser. Both have signed for it in one village."""

    def __init__(self, visitor, now):
        self.visitor, self.now = visitor, now
        self.tree = tree = make.small_tree()
        self.task = make.task(make.campaign(tree.unit(tree.county)), lines=[Line.WOMEN, Line.UNION])
        each = {"aggregation": Aggregation.SUM, "quota": Quota.PER_UNIT}
        self.count = make.metric(self.task, name="联合宣讲", unit_of_measure="场", **each).id
        self.money = make.metric(self.task, MetricKind.AMOUNT, name="慰问金", required=False, **each).id
        make.metric(self.task, MetricKind.RATE, name="覆盖率", required=False)
        self.village = tree.villages[0]
        with unit_of_work():
            dispatch(self.task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)

    def unit(self, line):
        return self.tree.unit(self.village, line).id

    def work(self, line):
        where = (Assignment.task_id == self.task.id, Assignment.unit_id == self.unit(line))
        return db.session.scalar(select(Assignment.id).where(*where))

    def enter(self, person, language="en"):
        sign_in(self.visitor.client, person, self.now, language)

    def signed_for(self, line):
        self.enter(self.tree.holder(self.village, Role.OFFICER, line))
        return self.visitor.get(f"/assignments/{self.work(line)}").submit("Sign for")

    def totals(self):
        """What waits for review in the county: the women's, the union's, and both lines' together."""
        place, found = self.tree.county.id, []
        for lines in ([Line.WOMEN], [Line.UNION], None):
            figure = rollup([self.count], [place], on=self.now.date(), lines=lines)[self.count, place]
            found.append(figure.value(Standing.PENDING).number)
        return found


@pytest.fixture
def story(app, monkeypatch, visitor, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return Together(visitor, now)


def test_what_was_done_together_is_reported_once_reviewed_and_credited_to_both(story, client):
    page = story.signed_for(Line.WOMEN)
    union = story.tree.unit(story.village, Line.UNION).name
    assert page.has("Done together with other lines", f"Of these, with {union}")
    assert page.html.count("Done together with other lines") == 2  # not for the rate
    path = f"/assignments/{story.work(Line.WOMEN)}"
    client.get(path)
    assert cost(lambda: client.get(path)) <= 8
    count, money = (f"joint-{metric}-{story.unit(Line.UNION)}" for metric in (story.count, story.money))
    given = {f"metric-{story.count}": "10", f"metric-{story.money}": "20000", "money": "wan", "words": "已办"}
    given[f"metric-{story.money}"] = "2"
    page = page.submit("Save draft", **given, **{count: "3", money: "1.5"})
    assert 'value="1.5"' in page.html and '<details class="more mb-3" open>' in page.html
    for wrong, said in (("三场", "联合宣讲, with"), ("11", "must be above zero and at most your whole figure")):
        page = page.submit("Submit for review", status=422, **{count: wrong})
        assert page.has("1 thing to correct", said)
        assert (
            f'id="{count}-error"' in page.html and f'href="#{count}"' in page.html and f'value="{wrong}"' in page.html
        )
    page = page.submit("Submit for review", **{count: "3"})
    kept = db.session.execute(select(Joint.metric_id, Joint.partner_unit_id, Joint.number)).tuples().all()
    other = story.unit(Line.UNION)
    assert sorted(kept) == [(story.count, other, Decimal(3)), (story.money, other, Decimal(15000))]
    assert story.totals() == [10, 3, 10]
    assert story.visitor.get(path).has(f"of these with {union}: 3 场")
    page = story.visitor.get(path).submit("Withdraw")
    assert 'value="1.5"' in page.html  # what was handed in is there again
    page.submit("Submit version 2", **{count: "4"})
    story.enter(story.tree.holder(story.tree.townships[0], Role.SUPERVISOR))
    review = story.visitor.get(f"/reviews/{story.work(Line.WOMEN)}")
    assert review.has(f"of these with {union}: 3", f"of these with {union}: 4")
    versions = story.visitor.get(f"/reviews/{story.work(Line.WOMEN)}/versions")
    assert versions.has(f"of these with {union}: 3", f"of these with {union}: 4")


def test_the_partner_cannot_report_the_same_again_and_nobody_else_can_be_named(story):
    women, other = story.unit(Line.WOMEN), story.tree.unit(story.tree.villages[1], Line.WOMEN).id
    first = {f"metric-{story.count}": "10", "words": "已办", f"joint-{story.count}-{story.unit(Line.UNION)}": "3"}
    story.signed_for(Line.WOMEN).submit("Submit for review", **first)
    page = story.signed_for(Line.UNION)
    assert f"joint-{story.count}-{other}" not in page.html
    name = story.tree.unit(story.village, Line.WOMEN).name
    assert page.has(f"{name} has reported 3 场 with you already.", "It counts for you")
    assert '<details class="more mb-3" open>' in page.html  # what counts already is not folded away
    assert f"joint-{story.count}-{women}" not in page.html and f"joint-{story.money}-{women}" in page.html
    page.submit("Submit for review", **{f"metric-{story.count}": "5", "words": "已办"})
    assert story.totals() == [10, 8, 15]
