"""Evidence in a browser: only for who may see it, pictures as small copies, everything else to be saved, all inert."""

import io
import re
import secrets
from datetime import timedelta

import pytest
from PIL import Image

from campaign import clock
from campaign.db import unit_of_work
from campaign.models import Attachment, Capture, Evidence, LoginSession
from campaign.operations import reporting
from campaign.rules.organisation import Line, Role
from campaign.rules.states import State
from campaign.web.access import digest_of
from tests import make
from tests.evidence.films import MAKER, SEEN, film
from tests.evidence.homes import Home, bucket, s3_server, settings_of
from tests.evidence.hostile import PDF, package, picture
from tests.evidence.test_inspection import heic_of_a_phone

__all__ = ["bucket", "s3_server"]
PDF_TYPE = "application/pdf"


@pytest.fixture(params=["folder", "bucket"])
def settings(request, settings):
    """Each test of this file with its evidence in either home."""
    return settings if request.param == "folder" else settings_of(settings, request.getfixturevalue("bucket"))


@pytest.fixture
def tree(app, monkeypatch, now):
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)))
    tree.assignment = make.assignment(task, tree.unit(tree.villages[0]), State.ACKNOWLEDGED)
    return tree


@pytest.fixture
def enter(client, now):
    """Signs somebody in on this client."""

    def sign_in(person):
        secret = secrets.token_hex(16)
        fields = {"started_at": now, "seen_at": now, "ends_at": now + timedelta(hours=8)}
        with unit_of_work() as session:
            session.add(LoginSession(digest=digest_of(secret), person_id=person.id, **fields))
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = secret, True
        return client

    return sign_in


@pytest.fixture
def keep(app, tree, now):
    """Keeps a file as evidence of the assignment; its id."""

    def kept(content: bytes, name: str) -> int:
        stored = app.extensions["evidence"].put(io.BytesIO(content), name=name)
        actor = tree.actor(tree.villages[0], Role.OFFICER)
        with unit_of_work():
            return reporting.keep_evidence(tree.assignment.id, stored, name, actor=actor, now=now)

    return kept


@pytest.fixture
def officer(tree, enter):
    return enter(tree.holder(tree.villages[0], Role.OFFICER))


def fetch(client, path: str, **headers):
    """The whole answer, read to its end as a browser does."""
    return client.get(path, headers=headers, buffered=True)


def assert_inert(answer) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_document_is_only_to_be_saved_under_its_own_name(officer, keep):
    answer = fetch(officer, f"/evidence/{keep(PDF, '建会名册（第2版）.pdf')}")
    assert answer.status_code == 200
    assert answer.data == PDF
    assert answer.mimetype == PDF_TYPE
    assert answer.content_length == len(PDF)
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=UTF-8''%E5%BB%BA%E4%BC%9A" in disposition
    assert_inert(answer)


def test_a_picture_is_shown_as_a_copy_and_saved_as_it_was_sent(officer, keep):
    sent = picture("PNG", (900, 700))
    id = keep(sent, "挂牌.png")
    for path, longest in ((f"/evidence/{id}", 900), (f"/evidence/{id}/thumb", 480)):
        shown = fetch(officer, path)
        assert shown.mimetype == "image/jpeg"
        assert "attachment" not in shown.headers.get("Content-Disposition", "")
        assert max(Image.open(io.BytesIO(shown.data)).size) == longest
        assert_inert(shown)
    original = fetch(officer, f"/evidence/{id}?original=1")
    assert original.data == sent
    assert original.mimetype == "image/png"
    assert original.headers["Content-Disposition"].startswith("attachment;")
    assert_inert(original)


def test_a_browser_that_has_it_is_not_sent_it_again_but_asks_each_time(officer, keep):
    path = f"/evidence/{keep(picture(), 'a.jpg')}/thumb"
    mark = fetch(officer, path).headers["ETag"]
    again = fetch(officer, path, **{"If-None-Match": mark})
    assert again.status_code == 304
    assert again.data == b""
    assert_inert(again)


@pytest.mark.parametrize(
    ("content", "name"), [(b"name,value\n=cmd,1\n", "a.csv"), (package(), "a.docx"), (b"plain words", "a.txt")]
)
def test_everything_else_is_saved_too(officer, keep, content, name):
    id = keep(content, name)
    answer = fetch(officer, f"/evidence/{id}")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert_inert(answer)
    assert fetch(officer, f"/evidence/{id}/thumb").status_code == 404


@pytest.mark.parametrize(
    "name", ['a"; filename="b.exe', "a\r\nSet-Cookie: x=1.txt", "../../etc/passwd", "a\0b.txt", "长" * 255]
)
def test_no_name_breaks_out_of_its_header(officer, keep, tree, name, app, now):
    stored = app.extensions["evidence"].put(io.BytesIO(b"plain words"), name="a.txt")
    with unit_of_work() as session:  # as an older release may have kept it
        actor = tree.actor(tree.villages[0], Role.OFFICER)
        fields = {"person_id": actor.person_id, "post_id": actor.posts[0].id, "at": now, "media_type": "text/plain"}
        kept = Evidence(assignment_id=tree.assignment.id, sha256=stored.sha256, size=stored.size, name=name, **fields)
        session.add(kept)
        session.flush()
        id = kept.id
    answer = fetch(officer, f"/evidence/{id}")
    disposition = answer.headers["Content-Disposition"]
    assert answer.status_code == 200
    assert "Set-Cookie: x" not in str(answer.headers).replace(disposition, "")
    assert not set("\r\n\0/\\") & set(disposition.replace('\\"', ""))
    assert disposition.startswith("attachment;")


def test_outside_the_scope_it_does_not_exist(tree, enter, keep):
    id = keep(picture(), "a.jpg")
    seers = [
        (tree.holder(tree.villages[0], Role.OFFICER), 200),
        (tree.holder(tree.townships[0], Role.SUPERVISOR), 200),
        (tree.holder(tree.county, Role.DISPATCHER), 200),
        (tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY), 200),
        (tree.holder(tree.villages[0], Role.OFFICER, Line.UNION), 404),
        (tree.holder(tree.villages[1], Role.OFFICER), 404),
        (tree.holder(tree.townships[1], Role.SUPERVISOR), 404),
        (make.person(), 404),
    ]
    for person, status in seers:
        visitor = enter(person)
        for path in (f"/evidence/{id}", f"/evidence/{id}?original=1", f"/evidence/{id}/thumb"):
            assert fetch(visitor, path).status_code == status
    pages = (fetch(visitor, "/evidence/999").text, fetch(visitor, f"/evidence/{id}").text)
    missing, refused = (re.sub(r'name="csrf_token"[^>]*', "", page) for page in pages)  # these tell the second
    assert missing.replace("999", "x") == refused.replace(f"evidence/{id}", "evidence/x").replace(f"%2F{id}", "%2Fx")


def test_when_and_where_it_was_captured_is_for_direct_reviewers_alone(tree, enter, keep, now):
    """The original says it; the officer and the township, where it goes first, get it, the county's dispatcher not."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:19 10:00:00"
    exif[0x0110] = "PHONE-OF-SOMEBODY"
    sent = picture("JPEG", (900, 700), exif=exif)
    id = keep(sent, "挂牌.jpg")
    assert b"PHONE-OF" in sent
    submitted = make.submission(tree.assignment)
    near = [tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)]
    far = [tree.holder(tree.county, Role.DISPATCHER), tree.holder(tree.villages[0], Role.OFFICER, Line.PARTY)]
    assert str(tree.unit(tree.townships[0]).id) in submitted.chain.split(",")
    for person in near + far:
        answer = fetch(enter(person), f"/evidence/{id}?original=1")
        assert (answer.data == sent) == (person in near)
        assert (b"PHONE-OF" in answer.data) == (person in near)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert b"PHONE-OF" not in fetch(enter(person), f"/evidence/{id}").data
    with unit_of_work() as session:
        session.add(Attachment(evidence_id=id, submission_id=submitted.id))
        session.add(Capture(evidence_id=id, captured_at=now, latitude=37.06, longitude=115.65, device="PHONE"))
    for person in near + far:
        page = fetch(enter(person), f"/assignments/{tree.assignment.id}/captures")
        assert (page.status_code, "37.06000, 115.65000" in page.text) == (
            (200, True) if person in near else (404, False)
        )
    heic = picture("HEIF", (900, 700), exif=exif)
    shown = fetch(enter(far[0]), f"/evidence/{keep(heic, 'a.heic')}?original=1")
    assert shown.mimetype == "image/jpeg"
    assert b"PHONE-OF" not in shown.data
    sent = film()
    of_film, of_web = keep(sent, "走访.mp4"), keep(b"\x1a\x45\xdf\xa3 37.06", "走访.webm")
    for person in near + far:
        answer, refused = (fetch(enter(person), f"/evidence/{id}") for id in (of_film, of_web))
        assert ((answer.data == sent), refused.status_code) == ((True, 200) if person in near else (False, 403))
        assert (MAKER in answer.data, SEEN in answer.data) == (person in near, True)
        assert_inert(answer)


def test_a_stranger_is_asked_to_sign_in(client, keep):
    assert fetch(client, f"/evidence/{keep(PDF, 'a.pdf')}").status_code == 303


def test_rotten_bytes_are_refused_loudly(officer, keep, app):
    id = keep(PDF, "a.pdf")
    store = app.extensions["evidence"]
    Home(store).spoil(next(store.stored()), PDF.replace(b"1 0 obj", b"2 0 obj"))
    answer = fetch(officer, f"/evidence/{id}")
    assert answer.status_code == 503
    assert b"2 0 obj" not in answer.data


def test_a_photo_too_large_to_be_unpacked_is_kept_and_to_be_saved(tree, enter, keep):
    """The page says why there is no picture; those close to it save the original, of which there is no other copy."""
    sent = heic_of_a_phone(1_000_000)
    id = keep(sent, "两亿像素.heic")
    sentence = "照片尺寸过大，不生成缩略图"
    near = [tree.holder(tree.villages[0], Role.OFFICER), tree.holder(tree.townships[0], Role.SUPERVISOR)]
    assert sentence not in fetch(enter(near[0]), f"/assignments/{tree.assignment.id}/earlier").text
    submitted = make.submission(tree.assignment)
    with unit_of_work() as session:
        session.add(Attachment(evidence_id=id, submission_id=submitted.id))
    for path in (f"/reviews/{tree.assignment.id}", f"/assignments/{tree.assignment.id}/captures"):
        page = fetch(enter(near[1]), path)
        assert (page.status_code, sentence in page.text, f"/evidence/{id}/thumb" in page.text) == (200, True, False)
    for person, status in ((near[0], 200), (near[1], 200), (tree.holder(tree.county, Role.DISPATCHER), 403)):
        client = enter(person)
        answer = fetch(client, f"/evidence/{id}")
        assert (answer.status_code, answer.data == sent) == (status, status == 200)
        assert status == 403 or answer.mimetype_params == {}
        assert fetch(client, f"/evidence/{id}/thumb").status_code == 404
