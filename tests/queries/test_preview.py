"""The preview before a dispatch: it names exactly the units that the dispatch then takes, in a fixed number of
statements."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from campaign.db import db, unit_of_work
from campaign.models import Assignment, Campaign, Post
from campaign.models.outlook import outlook_of
from campaign.operations.issuing import dispatch
from campaign.queries.before_dispatch import Opening, before_dispatch
from campaign.queries.campaigns import Filters, Sort, head_of, listing, show, tasks_of
from campaign.queries.preview import PAGE
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.states import State
from tests import make
from tests.counting import statements


@pytest.fixture
def tree(app):
    return make.small_tree()


def looked(task, now, actor=SYSTEM, **how):
    shown = show(task.campaign_id, actor)
    return previewed(shown.head, next(fact for fact in shown.tasks if fact.id == task.id), now, actor, **how)


def previewed(head, task, now, actor=SYSTEM, **how):
    outlook = outlook_of(task.id, now=now)
    return before_dispatch(head, task, outlook, Opening(now), actor=actor, now=now, **how).preview


def counted(call) -> int:
    with statements() as sent:
        call()
    return len(sent)


def test_the_preview_names_the_units_that_the_dispatch_takes(tree, now):
    row = make.campaign(tree.unit(tree.county, Line.PARTY))
    tasks = (
        make.task(row, lines=(Line.WOMEN, Line.UNION)),
        make.task(row, lines=(Line.WOMEN,), receiving_level=Level.TOWNSHIP),
        make.task(row, units=(tree.unit(tree.county), tree.unit(tree.villages[3], Line.UNION))),
    )
    for task in tasks:
        before = looked(task, now)
        with unit_of_work():
            done = dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER, Line.PARTY), now=now)
        taken = db.session.query(Assignment.unit_id).filter(Assignment.task_id == task.id)
        assert before.new == before.units == done.items == sum(share.n for share in before.shares)
        assert {unit.id for unit in before.page} == {unit_id for (unit_id,) in taken}
        after = looked(task, now)
        assert (after.new, after.people, all(unit.has for unit in after.page)) == (0, 0, True)


def test_counts_by_area_and_level(tree, now):
    row = make.campaign(tree.unit(tree.county, Line.PARTY))
    named = [tree.unit(tree.county), *(tree.unit(village) for village in tree.villages[:4])]
    shares = looked(make.task(row, units=named), now).shares
    assert [(share.area, share.level, share.n) for share in shares] == [
        (None, Level.COUNTY, 1),
        ("柳林镇", Level.VILLAGE, 3),
        ("石桥乡", Level.VILLAGE, 1),
    ]


def test_load_counts_open_assignments_only(tree, now):
    row = make.campaign(tree.unit(tree.county))
    busy = tree.unit(tree.villages[0])
    for state in (State.ISSUED, State.RETURNED, State.APPROVED):
        make.assignment(make.task(row), busy, state)
    found = looked(make.task(row), now)
    assert found.loaded == ((busy.id, busy.name, 2),)
    assert (found.open, round(found.average, 2), found.full) == (2, 0.33, 3)
    assert [unit.load for unit in found.page] == [2, 0, 0, 0, 0, 0]


def test_vacant_posts_and_chains_without_a_supervisor_are_named(tree, now):
    row = make.campaign(tree.unit(tree.county, Line.PARTY))
    task = make.task(row)
    assert (looked(task, now).without_officer.n, looked(task, now).without_supervisor.n) == (0, 0)
    village, township = tree.unit(tree.villages[0]), tree.unit(tree.townships[0])
    with unit_of_work():
        for post in db.session.query(Post).filter(Post.unit_id.in_((village.id, township.id))):
            post.disabled_at = now
    found = looked(task, now)
    assert [name for _, name, _ in found.without_officer.units] == [village.name]
    assert [name for _, name, _ in found.without_supervisor.units] == [township.name]
    assert (found.vacant, found.people, found.page[0].officer) == (1, 5, None)
    only_county = replace(show(row.id, SYSTEM).tasks[0], review_levels="3")
    assert previewed(show(row.id, SYSTEM).head, only_county, now).without_supervisor.n == 0


def test_the_list_of_units_goes_on_where_it_ended(tree, now):
    with unit_of_work():
        place = tree.townships[1]
    more = [make.area(f"新增{number}村", Level.VILLAGE, place) for number in range(3)]
    for area in more:
        make.unit(area)
    task = make.task(make.campaign(tree.unit(tree.county)))
    first = looked(task, now)
    assert (first.units, len(first.page), first.next) == (9, 9, "")
    rest = looked(task, now, after=f"{first.page[4].lft}-{first.page[4].id}")
    assert [unit.id for unit in rest.page] == [unit.id for unit in first.page[5:]]
    assert looked(task, now, after="x-y").page == first.page
    assert PAGE == 50


def test_eight_statements_however_many_units(tree, now):
    """With session and posts, which every page asks for, these are ten."""
    task = make.task(make.campaign(tree.unit(tree.county)))

    def whole_page():
        head = head_of(task.campaign_id, SYSTEM)
        previewed(head, tasks_of(task.campaign_id, parts=False)[0], now)

    whole_page()
    few = counted(whole_page)
    with unit_of_work() as session:
        session.execute(update(Post).where(Post.role == Role.OFFICER).values(disabled_at=now))
    make.unit(make.area("加村", Level.VILLAGE, tree.townships[0]))
    assert (few, counted(whole_page)) == (8, 8)
    assert counted(lambda: show(task.campaign_id, SYSTEM)) <= 5
    assert counted(lambda: listing(SYSTEM, Filters())) <= 2


def test_the_list_filters_sorts_and_pages(tree, now):
    issuer, other = tree.unit(tree.county), tree.unit(tree.county, Line.UNION)
    actor = tree.actor(tree.county, Role.DISPATCHER)
    made = [make.campaign(issuer, title=f"活动{number:02}") for number in range(35)]
    draft = make.campaign(issuer, title="草稿100%", status=CampaignStatus.DRAFT)
    make.campaign(other, title="别家草稿", status=CampaignStatus.DRAFT)
    first = listing(actor, Filters())
    assert (first.items[0].id, len(first.items), first.before, first.every) == (draft.id, 30, None, 36)
    second = listing(actor, Filters(), after=first.after)
    assert ([item.id for item in second.items], second.after) == ([row.id for row in made[5::-1]], None)
    back = listing(actor, Filters(), before=second.before)
    assert [item.id for item in back.items] == [item.id for item in first.items]
    assert [item.title for item in listing(actor, Filters(text="100%")).items] == ["草稿100%"]
    assert listing(actor, Filters(status=CampaignStatus.DRAFT)).items[0].title == "草稿100%"
    titles = listing(actor, Filters(sort=Sort.TITLE, status=CampaignStatus.ISSUED))
    assert titles.items[0].title == "活动00"
    assert listing(actor, Filters(sort=Sort.TITLE), after=made[0].id).items[0].title == "活动01"
    assert listing(actor, Filters(sort=Sort.OLDEST)).items[0].id == made[0].id


def test_who_issues_and_who_only_looks(tree, now):
    county, partner = tree.unit(tree.county, Line.PARTY), tree.unit(tree.county)
    row = make.campaign(county, co_issuers=(partner,))
    writer = head_of(row.id, tree.actor(tree.county, Role.DISPATCHER, Line.PARTY))
    together = head_of(row.id, tree.actor(tree.county, Role.DISPATCHER))
    assert (writer.writer, writer.issuer, writer.co_issuers) == (True, True, ((partner.id, partner.name),))
    assert (together.writer, together.issuer) == (False, True)
    assert head_of(row.id, tree.actor(tree.villages[0], Role.OFFICER)) is None
    assert db.session.get(Campaign, row.id).version == 1
