"""The officer's and the reviewer's pages with evidence in a bucket: as with a folder while it is there, and when it is
away nothing is lost, nothing is submitted and nothing is approved."""

import io
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from campaign.cli import find_breaches
from campaign.db import db
from campaign.models import CheckIn, Draft, Event, Evidence, Submission
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make
from tests.evidence.homes import FAULTS, Home, bucket, keys_below, s3_server, settings_of
from tests.web.test_officer import (
    WORDS,
    a_photo,
    filled,
    names,
    officer,
    send,
    send_photo,
    stored,
    task,
    test_a_bad_file_is_named_and_the_good_one_kept,
    test_a_form_that_fails_keeps_what_was_typed_and_uploaded,
    test_a_report_without_a_script_goes_to_review,
    test_the_same_post_again_gives_the_same_answer,
    test_the_script_s_way_each_photo_at_once_and_the_draft_kept,
    token_of,
    tree,
)

__all__ = [
    "bucket",
    "names",
    "officer",
    "s3_server",
    "task",
    "test_a_bad_file_is_named_and_the_good_one_kept",
    "test_a_form_that_fails_keeps_what_was_typed_and_uploaded",
    "test_a_report_without_a_script_goes_to_review",
    "test_the_same_post_again_gives_the_same_answer",
    "test_the_script_s_way_each_photo_at_once_and_the_draft_kept",
    "tree",
]


@pytest.fixture
def settings(settings, bucket):
    return settings_of(settings, bucket)


@pytest.fixture
def assignment(tree, task):
    return make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)


@pytest.fixture
def away(app):
    """Takes the server away, and brings it back."""
    store = app.extensions["evidence"]
    plain = store._client, store._probe

    def switch(gone: bool = True) -> None:
        if not gone:
            store._client, store._probe = plain
            return
        other = type(store)(store.folder, replace(store.bucket, endpoint="http://127.0.0.1:9"))
        store._client, store._probe = other._client, other._probe

    return switch


def count(noun) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(noun))


def ask(visitor, page, verb, given, files=()):
    """The form of the page as it is, sent without a look at the status."""
    data = token_of(page) | given | dict(files)
    return visitor.client.post(page.path + verb, data=data, content_type="multipart/form-data")


def test_a_check_in_with_a_file_while_the_store_is_away_keeps_what_was_typed(assignment, names, officer, away):
    page = officer.get(f"/assignments/{assignment.id}")
    typed = filled(names, note="下雪封路，周五补拍")
    away()
    answer = ask(officer, page, "/check-in", typed, [(names["file"], [a_photo(), a_photo(91)])])
    assert answer.status_code == 503
    assert answer.headers.get("Retry-After")
    assert "下雪封路，周五补拍" in answer.text
    assert "What you typed is kept" in answer.text
    assert (count(CheckIn), count(Evidence)) == (0, 0)
    assert "下雪封路" in db.session.scalars(select(Draft.fields)).one()
    away(False)
    page = officer.get(f"/assignments/{assignment.id}")
    assert WORDS in page.main
    answer = ask(officer, page, "/check-in", typed, [(names["file"], [a_photo(), a_photo(91)])])
    assert answer.status_code == 303
    assert (count(CheckIn), count(Evidence)) == (1, 2)


def test_an_upload_by_the_script_while_it_is_away(assignment, task, officer, away, app):
    page = officer.get(f"/assignments/{assignment.id}")
    away()
    data = {"csrf_token": token_of(page)["csrf_token"], "file": a_photo()}
    answer = officer.client.post(
        f"/assignments/{assignment.id}/upload", data=data, headers={"Accept": "application/json"}
    )
    assert (answer.status_code, bool(answer.headers.get("Retry-After"))) == (503, True)
    assert count(Evidence) == 0
    assert list(app.extensions["evidence"].temporary.iterdir()) == []


def test_an_upload_that_is_cut_leaves_no_row_no_object_and_no_file(assignment, task, officer, app):
    page = officer.get(f"/assignments/{assignment.id}")
    FAULTS.cut("PUT", times=3)
    data = {"csrf_token": token_of(page)["csrf_token"], "file": a_photo()}
    answer = officer.client.post(f"/assignments/{assignment.id}/upload", data=data)
    assert answer.status_code == 503
    store = app.extensions["evidence"]
    assert (count(Evidence), keys_below(store), list(store.temporary.iterdir())) == (0, [], [])


def test_nothing_is_submitted_without_its_bytes(assignment, task, names, officer, away, app):
    page = officer.get(f"/assignments/{assignment.id}")
    photo = send_photo(officer, page, assignment.id, task)
    report = filled(names, files=f"{photo['id']}:{task.evidence_rules[0].id}")
    events = count(Event)
    away()
    answer = ask(officer, page, "/submit", report)
    assert (answer.status_code, bool(answer.headers.get("Retry-After"))) == (503, True)
    assert WORDS in answer.text
    away(False)
    sha256 = db.session.scalars(select(Evidence.sha256)).one()
    Home(app.extensions["evidence"]).lose(sha256)
    answer = ask(officer, page, "/submit", report)
    assert answer.status_code == 422
    assert "现场90.jpg: this file is damaged or missing" in answer.text
    assert (count(Submission), count(Event), stored(assignment.id).state) == (0, events, State.ACKNOWLEDGED)
    again = officer.get(f"/assignments/{assignment.id}")
    assert send_photo(officer, again, assignment.id, task)["id"] == photo["id"]  # the same bytes heal it
    assert send(officer, again, report).path.endswith("/receipt")


def test_nothing_is_approved_without_its_bytes(assignment, task, names, officer, visitor, tree, away, app):
    page = officer.get(f"/assignments/{assignment.id}")
    send(officer, page, filled(names), [(names["file"], a_photo())])
    visitor.sign_out()
    visitor.sign_in(tree.holder(tree.townships[0], Role.SUPERVISOR))
    page = visitor.get(f"/reviews/{assignment.id}")
    form = page.form("/approve")
    data = {field.get("name"): field.get("value") for field in form.all("input") if field.get("name")}
    away()
    path = f"/reviews/{assignment.id}/approve"
    answer = visitor.client.post(path, data=data)
    assert (answer.status_code, bool(answer.headers.get("Retry-After"))) == (503, True)
    together = {"csrf_token": data["csrf_token"], "seen": f"{assignment.id}:{stored(assignment.id).version}"}
    assert visitor.client.post("/reviews/many", data=together).status_code == 503
    assert stored(assignment.id).state is State.SUBMITTED
    away(False)
    sha256 = db.session.scalars(select(Evidence.sha256)).one()
    with app.extensions["evidence"].open(sha256) as stream:
        content = stream.read()
    for harm in ("lost", "cut"):
        home = Home(app.extensions["evidence"])
        if harm == "lost":
            home.lose(sha256)
        else:
            home.spoil(sha256, content[:-1])
        assert visitor.client.post(path, data=data).status_code == 503
        assert visitor.client.post("/reviews/many", data=together).status_code == 303  # it is left out, and said so
        assert stored(assignment.id).state is State.SUBMITTED
    app.extensions["evidence"].put(io.BytesIO(content), name="a.jpg")
    assert visitor.client.post(path, data=data).status_code == 303


def of_evidence(home: Home) -> list:
    return [breach for breach in find_breaches(home.store) if breach.check == "evidence"]


def test_check_names_what_was_swapped_and_what_is_gone(assignment, task, names, officer, away, app):
    page = officer.get(f"/assignments/{assignment.id}")
    for shade in (10, 90, 200):
        send_photo(officer, page, assignment.id, task, shade)
    rows = db.session.execute(select(Evidence.id, Evidence.sha256).order_by(Evidence.id)).all()
    home = Home(app.extensions["evidence"])
    assert of_evidence(home) == []
    home.spoil(rows[0].sha256, b"swapped")
    home.lose(rows[2].sha256)
    found = {breach.subject_id: breach.what for breach in of_evidence(home)}
    assert set(found) == {rows[0].id, rows[2].id}
    assert "does not hold the bytes" in found[rows[0].id] and rows[0].sha256 in found[rows[0].id]
    assert "is missing" in found[rows[2].id]
    away()
    assert {breach.subject for breach in of_evidence(home)} == {"store"}


def test_readyz_says_whether_the_store_can_be_reached(client, away):
    assert client.get("/readyz").json["evidence"] == "ok"
    away()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["evidence"]) == (503, "not writable")
