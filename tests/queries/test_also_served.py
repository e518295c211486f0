"""Files that were sent once and serve several tasks of one unit: said to reviewers, as far as they may see."""

from hashlib import sha256

import pytest
from sqlalchemy import func, select

from campaign import clock
from campaign.db import unit_of_work
from campaign.models import Attachment, CheckIn, Evidence, Submission
from campaign.models.facts import facts_of
from campaign.queries.beside import beside
from campaign.rules.organisation import Role
from campaign.rules.states import CheckInKind, State
from tests import make
from tests.web.boards import sign_in

NAMES = ("会场.pdf", "横幅.pdf", "签到.pdf", "合影.pdf")


def hand_in(assignment, actor, names) -> None:
    """The version of the assignment names these files; the same name is the same bytes."""
    version = select(func.max(Submission.id)).where(Submission.assignment_id == assignment.id)
    by = {"person_id": actor.person_id, "post_id": actor.posts[0].id, "at": make.NOW}
    with unit_of_work() as session:
        number = session.scalar(version)
        for name in names:
            digest = sha256(name.encode()).hexdigest()
            file = Evidence(
                assignment_id=assignment.id, sha256=digest, size=9, media_type="application/pdf", name=name, **by
            )
            session.add(file)
            session.flush()
            session.add(Attachment(submission_id=number, evidence_id=file.id))


@pytest.fixture
def work(app, monkeypatch, now):
    """Two tasks of one village with the same files; and a village that happens to send one of them."""
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    tree.plan = plan = make.campaign(tree.unit(tree.county), issued_at=now)
    tree.made = []
    for title, place, names in (("入户走访", 0, NAMES), ("主题宣讲", 0, NAMES), ("别的村", 1, NAMES[:1])):
        village = tree.villages[place]
        tree.made.append(make.assignment(make.task(plan, title=title), tree.unit(village), State.SUBMITTED))
        hand_in(tree.made[-1], tree.actor(village, Role.OFFICER), names)
    return tree


def test_a_reviewer_is_told_what_else_a_file_serves_and_nothing_beyond_the_scope(app, work, client, now):
    first, second, foreign = work.made
    near, far = (work.actor(town, Role.SUPERVISOR) for town in work.townships)

    def also(assignment, actor):
        return [(other.assignment_id, other.names) for other in beside(facts_of(assignment.id), actor, now=now).also]

    assert also(first, near) == [(second.id, NAMES)]
    assert also(second, near) == [(first.id, NAMES)]
    assert also(foreign, near) == [], "what another unit sent is a matter of flags"
    assert also(first, far) == [], "outside their view nothing is said, not even that there is something"
    sign_in(client, work.holder(work.townships[0], Role.SUPERVISOR), now, "zh_CN")
    page = client.get(f"/reviews/{first.id}").text
    assert "还用于该单位的其他任务" in page
    assert f"/assignments/{second.id}/ledger?back=/reviews/{first.id}" in page
    assert "会场.pdf、横幅.pdf、签到.pdf" in page
    assert "另有 1" in page
    with unit_of_work() as session:  # a check-in names a file of the first, too
        by = {"person_id": far.person_id, "post_id": far.posts[0].id, "at": now}
        said = CheckIn(assignment_id=first.id, kind=CheckInKind.PROGRESS, words="", **by)
        session.add(said)
        session.flush()
        file = session.scalar(select(Evidence.id).where(Evidence.assignment_id == first.id).limit(1))
        session.add(Attachment(check_in_id=said.id, evidence_id=file))
    unsent = make.assignment(make.task(work.plan), work.unit(work.villages[1]))
    assert also(unsent, near) == [], "what has no version has no files"
    make.submission(second, number=2)
    assert also(first, near) == [], "its latest version names none of them"
