"""Files on their way in: in pieces, cut, repeated, sent at once, too many; and used once more without being sent."""

import gc
import io
import os
import socket
import threading
from datetime import timedelta
from hashlib import sha256
from itertools import count as count_from
from itertools import pairwise
from time import monotonic, sleep
from uuid import uuid4

import pytest
import waitress
from sqlalchemy import func, select
from werkzeug.serving import WSGIRequestHandler, make_server

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


class Quiet(WSGIRequestHandler):
    """Says nothing of lines that were cut."""

    def log(self, *_said) -> None:
        """Nothing."""


class Wire:
    """Raw requests of one officer over real connections, whole or cut."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie, self.threads = port, cookie, threading.active_count()

    def request(self, verb: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> bytes:
        head = f"{verb} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: session={self.cookie}\r\nConnection: close\r\n"
        return f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def status(self, request: bytes) -> int:
        """Sends it whole and reads all of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(request)
            with line.makefile("rb") as answer:
                return int(answer.read().split(b" ", 2)[1])

    def cut_anywhere(self, request: bytes) -> None:
        """Sends it again and again, and cuts the line after the first byte, within the head, behind it, at each
        eighth of the body, and before the last byte; returns when nobody works on any of it any more."""
        head = request.index(b"\r\n\r\n") + 4
        body = len(request) - head
        within = [*(head + body * part // 8 for part in range(8)), len(request) - 1] if body else []
        for cut in (1, head // 2, *within):
            self.lose(request[:cut])
        self.settle()

    def lose(self, request: bytes) -> None:
        """Sends that much and does not wait for an answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(request)

    def settle(self) -> None:
        """Waits until the server has done with all that: its one thread, or each of those that it has begun since."""
        assert self.status(self.request("GET", "/healthz")) == 200
        end = monotonic() + 5
        while threading.active_count() > self.threads and monotonic() < end:
            sleep(0.005)


@pytest.fixture(params=["waitress", "streaming"])
def wire(request, app, officer):
    """To the server that is recommended, which reads a body to its end before it asks the product; and to one that
    hands on what comes as it comes."""
    if request.param == "waitress":
        server = waitress.create_server(app, host="127.0.0.1", port=0, threads=1, map=(sockets := {}))
        port, run, end = server.effective_port, server.asyncore.loop, server.close
        given = {"timeout": 0.05, "map": sockets}
    else:
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        port, run, end, given = server.server_port, server.serve_forever, server.shutdown, {"poll_interval": 0.05}
    thread = threading.Thread(target=run, kwargs=given, daemon=True)
    thread.start()
    yield Wire(port, officer.get_cookie("session").value)
    end()
    thread.join(2)


@pytest.mark.filterwarnings("ignore:.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
def test_an_upload_cut_at_any_point_leaves_no_row_and_no_file(app, officer, here, wire):
    """With the form, and in pieces: at each boundary of a piece and within it. What was safe before stays safe."""
    store, kind = app.extensions["evidence"], "multipart/form-data; boundary=b"
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    form = wire.request("POST", f"{here}/upload", head + CONTENT + b"\r\n--b--\r\n", kind)

    def kept() -> tuple[int, int, list[str], list[str]]:
        left = sorted(path.name for path in store.temporary.rglob("*") if path.is_file())
        return count(Evidence), count(Event, Event.tag == "assignment:evidence:keep"), list(store.stored()), left

    wire.cut_anywhere(form)
    gc.collect()  # nameless files of the form's reader, which forgets to close them where a server hands on half a form
    assert kept() == (0, 0, [], [])
    upload = announce(officer, here).json["upload"]
    finish = wire.request("POST", f"{here}/uploads/{upload}/finish")
    for start, end in pairwise([0, 1000, 2000, len(CONTENT)]):
        piece_of_it = wire.request("PUT", f"{here}/uploads/{upload}?offset={start}", CONTENT[start:end])
        wire.cut_anywhere(piece_of_it)
        assert (wire.status(finish), store.pieces.received(upload)) == (409, start)
        assert kept() == (0, 0, [], [upload] if start else [])
        wire.lose(piece_of_it)  # it came, and only its answer did not
        wire.settle()
        assert wire.status(piece_of_it) == 200
        assert store.pieces.received(upload) == end
    wire.cut_anywhere(finish)
    assert kept() == (0, 0, [], [upload])
    wire.lose(finish)
    wire.settle()
    assert wire.status(finish) == 201
    assert kept() == (1, 1, [SHA], [])
    assert wire.status(form) == 201
    assert kept() == (1, 1, [SHA], [])


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


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
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
