"""Archives in the browser: asked for, fetched from either home, whole or from where a line broke; few statements."""

from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import insert

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.models import Archive, Post
from campaign.rules.organisation import Role
from campaign.rules.rechecks import ArchiveState
from campaign.rules.states import State
from jobs.archives import make_archives
from jobs.runner import Counts
from tests import make
from tests.evidence.homes import bucket, s3_server, settings_of

from .boards import cost, sign_in

__all__ = ["bucket", "s3_server"]
KEY = "7c1f0a52-7a7e-4a39-8d44-1c9a9be0a077"


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


@pytest.fixture
def settings(request, settings):
    """With its evidence, and so its archives, in the home that a test asks for."""
    home = getattr(request, "param", "folder")
    return settings if home == "folder" else settings_of(settings, request.getfixturevalue("bucket"))


@pytest.mark.parametrize("settings", ["folder", "bucket"], indirect=True)
def test_an_archive_is_fetched_whole_or_from_where_it_broke_or_not_at_all(app, client, now, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    unit, officer = tree.unit(tree.villages[0]), tree.holder(tree.villages[0], Role.OFFICER)
    make.assignment(make.task(make.campaign(tree.unit(tree.county), issued_at=now)), unit, State.ACKNOWLEDGED)
    sign_in(client, officer, now, "zh_CN")
    app.config["WTF_CSRF_ENABLED"] = False
    asked = [client.post("/archives", data={"what": f"u{unit.id}", "client_action_id": KEY}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [303, 303]
    again = client.post("/archives", data={"what": f"u{unit.id}"}, follow_redirects=True)
    assert "无须重复申请" in again.text
    counts = Counts()
    make_archives(app, now, now, counts)
    assert (counts.done, counts.failed) == (1, 0), counts.error
    row = db.session.query(Archive).one()
    path = f"/archives/{row.id}"
    assert path in client.get("/archives").text
    whole = client.get(path, buffered=True)
    assert (whole.status_code, whole.headers["Content-Type"]) == (200, "application/zip")
    assert (sha256(whole.data).hexdigest(), whole.content_length) == (row.sha256, row.size)
    rest = client.get(path, headers={"Range": "bytes=1000-", "If-Range": whole.headers["ETag"]}, buffered=True)
    assert (rest.status_code, rest.data) == (206, whole.data[1000:])
    known = client.get(path, headers={"If-None-Match": whole.headers["ETag"]}, buffered=True)
    assert known.status_code == 304
    app.extensions["evidence"].shelf.forget(row.path)
    lost = client.get(path)
    assert (lost.status_code, "重新生成" in lost.text) == (503, True)
