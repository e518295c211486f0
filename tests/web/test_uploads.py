"""Files on their way in: in pieces, cut, repeated, sent at once, too many; and used once more without being sent."""

import io
import os
import socket
import threading
from datetime import timedelta
from hashlib import sha256
from itertools import count as count_from
from uuid import uuid4

import pytest
import waitress
from sqlalchemy import func, select

from campaign import clock
from campaign.cli import find_breaches
from campaign.db import db, unit_of_work
from campaign.evidence.pieces import LARGEST_PIECE
from campaign.models import Attachment, Event, Evidence, Notice, Submission, Upload
from campaign.operations import keeping
from campaign.operations.reporting import Report, submit
from campaign.operations.tidying import tidy_files, tidy_rows
from campaign.rules.organisation import Role
from campaign.rules.states import State
from tests import make
from tests.evidence.hostile import PDF
from tests.together import at_once

from .matrix import sign_in

CONTENT = PDF + os.urandom(3000) + b"\n%%EOF\n"
SHA = sha256(CONTENT).hexdigest()


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    return make.small_tree()


@pytest.fixture
def task(tree):
    made = make.task(make.campaign(tree.unit(tree.county)), review_levels="4")
    make.evidence_rule(made, name="材料", kind=1)
    return made


@pytest.fixture
def here(tree, task):
    """The address of the first village's assignment."""
    return f"/assignments/{make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED).id}"


@pytest.fixture
def officer(app, tree, client):
    client = sign_in(app, tree.holder(tree.villages[0], Role.OFFICER))
    app.config["WTF_CSRF_ENABLED"] = False  # the script's own calls are asked
    return client


def announce(client, here: str, content: bytes = CONTENT, **changes):
    fields = {"sha256": sha256(content).hexdigest(), "size": len(content), "name": "总结.pdf", "rule": "0"} | changes
    return client.post(f"{here}/uploads", data=fields, headers={"Accept": "application/json"})


def piece(client, here: str, upload: str, offset: int, content: bytes):
    return client.put(f"{here}/uploads/{upload}?offset={offset}", data=content).json["received"]


def send(client, here: str, content: bytes = CONTENT):
    """A whole file in one piece."""
    begun = announce(client, here, content).json
    piece(client, here, begun["upload"], 0, content)
    return client.post(f"{here}/uploads/{begun['upload']}/finish")


def count(noun, *where) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(noun).where(*where))


def test_pieces_that_come_twice_too_early_or_too_late(app, officer, here):
    begun = announce(officer, here).json
    upload, half = begun["upload"], len(CONTENT) // 2
    assert (begun["received"], count(Evidence)) == (0, 0)
    assert piece(officer, here, upload, 5, CONTENT[5:]) == 0, "what does not fit is left out"
    assert piece(officer, here, upload, 0, CONTENT[:half]) == half
    assert piece(officer, here, upload, 0, CONTENT[:half]) == half, "its answer was lost"
    early = officer.post(f"{here}/uploads/{upload}/finish")
    assert (early.status_code, early.json["received"]) == (409, half)
    again = announce(officer, here).json
    assert (again["upload"], again["received"]) == (upload, half), "after a reload it goes on"
    assert piece(officer, here, upload, half, CONTENT[half:] + b"more than was announced") == half
    assert piece(officer, here, upload, half, CONTENT[half:]) == len(CONTENT)
    answers = [officer.post(f"{here}/uploads/{upload}/finish") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    store = app.extensions["evidence"]
    assert list(store.stored()) == [SHA]
    assert store.pieces.received(upload) == 0
    assert (count(Evidence), count(Event, Event.tag == "assignment:evidence:keep")) == (1, 1)
    known = announce(officer, here)
    assert (known.status_code, known.json["here"], known.json["id"]) == (201, True, answers[0].json["id"])
    assert not [found for found in find_breaches(store) if found.check in ("evidence", "uploads")]


def test_wrong_bytes_and_what_is_not_accepted_leave_nothing(app, officer, here):
    store = app.extensions["evidence"]
    begun = announce(officer, here).json["upload"]
    piece(officer, here, begun, 0, bytes(len(CONTENT)))
    refused = officer.post(f"{here}/uploads/{begun}/finish")
    assert (refused.status_code, refused.json["received"]) == (409, 0)
    program = b"MZ" + bytes(60)
    answer = send(officer, here, program)
    assert answer.status_code == 415
    assert (count(Evidence), list(store.stored())) == (0, [])
    assert count(Upload, Upload.sha256 == sha256(program).hexdigest()) == 0
    for changes, status in (({"size": 50 * 1024**2 + 1}, 413), ({"size": 0}, 415), ({"sha256": "../../etc"}, 422)):
        assert announce(officer, here, **changes).status_code == status
    large = officer.put(f"{here}/uploads/{begun}?offset=0", data=bytes(LARGEST_PIECE + 1))
    assert large.status_code == 413
    assert officer.post(f"{here}/uploads/{begun}/drop").status_code == 204
    assert (count(Upload), list((store.temporary / "pieces").iterdir())) == (0, [])


def test_half_uploads_are_swept_and_found_when_they_are_not(app, officer, here, now):
    store = app.extensions["evidence"]
    upload = announce(officer, here).json["upload"]
    piece(officer, here, upload, 0, CONTENT[:100])
    path = store.temporary / "pieces" / upload
    late = now + timedelta(days=3)
    os.utime(path, (now.timestamp(), now.timestamp()))
    with unit_of_work():
        assert tidy_rows(now=now + timedelta(hours=23)) == 0
    assert tidy_files(store, now=now + timedelta(hours=23)) == 0
    clock_before, clock.now = clock.now, lambda: late
    try:
        assert {(found.check, found.subject) for found in find_breaches(store) if found.check == "uploads"} == {
            ("uploads", "upload"),
            ("uploads", "file"),
        }
        with unit_of_work():
            tidy_rows(now=late)
        tidy_files(store, now=late)
        assert (count(Upload), path.exists()) == (0, False)
        assert not [found for found in find_breaches(store) if found.check == "uploads"]
    finally:
        clock.now = clock_before


def test_only_what_the_own_unit_has_sent_is_known(app, officer, here, tree, task):
    first = send(officer, here).json["id"]
    other = make.assignment(make.task(task.campaign, title="另一项"), tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    known = announce(officer, f"/assignments/{other.id}")
    assert (known.json["here"], count(Evidence)) == (True, 2)
    assert known.json["id"] != first
    picked = officer.get(f"{here}/earlier")
    assert "总结.pdf" in picked.text
    stranger = sign_in(app, tree.holder(tree.villages[1], Role.OFFICER))
    foreign = make.assignment(task, tree.unit(tree.villages[1]), State.ACKNOWLEDGED)
    asked = announce(stranger, f"/assignments/{foreign.id}")
    assert "upload" in asked.json, "of what others have sent nothing is said"
    assert "总结.pdf" not in stranger.get(f"/assignments/{foreign.id}/earlier").text
    taken = stranger.post(f"/assignments/{foreign.id}/earlier", data={"piece": first})
    assert (taken.status_code, count(Evidence)) == (404, 2)


def test_an_upload_cut_at_any_point_leaves_no_row_and_no_file(app, officer, here):
    """Through the server that is recommended, over a real connection."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=2, map=(sockets := {}))
    thread = threading.Thread(target=server.asyncore.loop, kwargs={"timeout": 0.05, "map": sockets}, daemon=True)
    thread.start()
    cookie = officer.get_cookie("session")
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + CONTENT + b"\r\n--b--\r\n"
    head = (
        f"POST {here}/upload HTTP/1.1\r\nHost: localhost\r\nCookie: session={cookie.value}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    whole = head + body
    points = [1, len(head) // 2, len(head), *(len(head) + len(body) * part // 20 for part in range(1, 20))]
    store = app.extensions["evidence"]
    try:
        for cut in [*points, len(whole) - 1]:
            with socket.create_connection(("127.0.0.1", server.effective_port)) as line:
                line.sendall(whole[:cut])
        with socket.create_connection(("127.0.0.1", server.effective_port)) as line:
            line.settimeout(0.3)
            assert (count(Evidence), list(store.stored()), list(store.temporary.glob("*"))) == (0, [], [])
            line.sendall(whole)
            line.settimeout(10)
            assert b" 201 " in line.recv(64)
        assert (count(Evidence), list(store.stored())) == (1, [SHA])
    finally:
        server.close()
        thread.join(2)


def test_every_third_answer_is_lost_and_two_hundred_submissions_are_two_hundred(app, officer, tree, task, now):
    """The first three through the door, the rest, to spare the disk, through the verbs that the door calls."""
    store, actor = app.extensions["evidence"], tree.actor(tree.villages[0], Role.OFFICER)
    unit, rule, asked = tree.unit(tree.villages[0]), task.evidence_rules[0].id, count_from(1)
    made = make.kept(lambda: [make.assignment(task, unit, State.ACKNOWLEDGED, period=n).id for n in range(1, 201)])()

    def ask(act, *given, **named):
        """What a phone does whose every third answer is lost: it asks the same once more."""
        answer = act(*given, **named)
        return act(*given, **named) if next(asked) % 3 == 0 else answer

    stored = store.put(io.BytesIO(CONTENT), name="a.pdf")
    for number, id in enumerate(made):
        here, act = f"/assignments/{id}", str(uuid4())
        if number < 3:
            sent = ask(send if number == 0 else announce, officer, here)
            evidence = sent.json["id"]
            fields = {"seen": "1", "client_action_id": act, "words": "办完了", "files": f"{evidence}:{rule}:{SHA}"}
            assert ask(officer.post, f"{here}/submit", data=fields).status_code == 303
            continue
        kept = ask(within, keeping.keep, id, stored, keeping.Looked(), "a.pdf", actor=actor, now=now)
        report = Report("办完了", evidence={kept: rule})
        ask(within, submit, id, report, actor=actor, now=now, seen=1, client_action_id=act)
    assert (count(Submission), count(Attachment), count(Evidence)) == (200, 200, 200)
    assert count(Event, Event.tag == "assignment:submission:submit") == 200
    assert count(Notice, Notice.tag == "assignment:submission:submit") == 200
    assert list(store.stored()) == [SHA]


def within(act, *given, **named):
    with unit_of_work():
        return act(*given, **named)


def test_fifty_identical_uploads_at_once_are_one(app, officer, here, tree, now):
    store, id = app.extensions["evidence"], int(here.rpartition("/")[2])
    actor = tree.actor(tree.villages[0], Role.OFFICER)

    def keep() -> int:
        stored = store.put(io.BytesIO(CONTENT), name="a.pdf")
        with unit_of_work():
            return keeping.keep(id, stored, keeping.Looked(), "a.pdf", actor=actor, now=now)

    for _round in range(5):
        assert len(set(at_once(app, *[keep] * 10))) == 1
    assert (count(Evidence), count(Event, Event.tag == "assignment:evidence:keep")) == (1, 1)
    assert list(store.stored()) == [SHA]


def test_limits_of_one_assignment_and_of_one_day_are_told(app, officer, here, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_OF_ONE", 2)
    for number in range(3):
        answer = send(officer, here, b"%%PDF-1.4 %d\n%%%%EOF\n" % number) if number < 2 else announce(officer, here)
    assert answer.status_code == 429
    assert "2" in answer.json["sentence"]
    monkeypatch.setattr(keeping, "MOST_OF_ONE", 200)
    for limit, value in (("MOST_A_DAY", 2), ("MOST_BYTES_A_DAY", 30)):
        with monkeypatch.context() as patch:
            patch.setattr(keeping, limit, value)
            assert announce(officer, here).status_code == 429
    files = [(io.BytesIO(b"words %d" % number), f"{number}.txt") for number in range(21)]
    answer = officer.post(f"{here}/draft", data={"file-0": files}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert count(Evidence) == 22
