"""The page of archives: few statements whatever it holds, in Chinese too."""

from datetime import timedelta

from sqlalchemy import insert

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Archive, Post
from campaign.rules.organisation import Role
from campaign.rules.rechecks import ArchiveState
from campaign.rules.states import State
from tests import make

from .boards import cost, sign_in


def test_the_pages_around_evidence_cost_few_statements_whatever_they_hold(app, client, now, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    boss, officer = tree.holder(tree.county, Role.DISPATCHER), tree.holder(tree.villages[0], Role.OFFICER)
    plan = make.campaign(tree.unit(tree.county), issued_at=now)
    work = make.assignment(make.task(plan), tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    post = db.session.query(Post).filter_by(person_id=boss.id).first()
    asked = {"unit_id": post.unit_id, "task_id": None, "person_id": boss.id, "post_id": post.id, "asked_at": now}
    pages = {
        "/archives": boss, "/archives?text=x": boss, f"/assignments/{work.id}/earlier": officer,
        f"/assignments/{work.id}/captures": officer,
    }  # fmt: skip
    counts: dict[str, set[int]] = {page: set() for page in pages}
    for many in (0, 40):
        rows = [asked | {"state": ArchiveState.READY, "finished_at": now + timedelta(days=1)} for _ in range(many)]
        if rows:
            with unit_of_work() as session:
                session.execute(insert(Archive), rows)
        for number in range(many):
            make.task(plan, title=f"任务{number}")
        for page, person in pages.items():
            sign_in(client, person, now, "zh_CN")
            counts[page].add(cost(lambda page=page: client.get(page)))
            shown = client.get(page)
            assert shown.status_code == 200, page
    assert all(len(found) == 1 and max(found) <= 8 for found in counts.values()), counts
