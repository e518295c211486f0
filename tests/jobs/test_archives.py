"""A ledger as one file: whole, readable, checked by a command and by sha256sum, begun anew after a kill."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import zipfile
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select, update

from campaign import clock
from campaign.db import db, unit_of_work
from campaign.documents.archives import faults
from campaign.errors import Refused
from campaign.models import Archive, Assignment, Capture
from campaign.operations.archives import SILENT, ask, claim
from campaign.operations.issuing import dispatch
from campaign.operations.reporting import Report, acknowledge, keep_evidence, submit
from campaign.operations.sealing import seal
from campaign.operations.tidying import tidy_files
from campaign.queries.archives import archive_of, subjects
from campaign.queries.evidence_checks import archives_lie_there
from campaign.rules.metrics import MetricKind, Value
from campaign.rules.organisation import Role
from campaign.rules.rechecks import ArchiveState
from jobs.archives import make_archives
from jobs.runner import Counts
from tests import make
from tests.evidence.films import PLACE as film_place
from tests.evidence.films import SEEN, film
from tests.evidence.hostile import picture
from tests.together import at_once

MAKER, ORIENTATION, PLACE = 0x010F, 0x0112, 0x8825


def photo():
    """A photo that lies on its side and says by whose camera and where it was taken."""
    exif = Image.Exif()
    exif[MAKER], exif[ORIENTATION] = "Phone of Wang", 6
    exif.get_ifd(PLACE).update({1: "N", 2: (31.0, 14.0, 4.4), 3: "E", 4: (121.0, 30.0, 0.0)})
    return picture(size=(64, 48), exif=exif, xmp=b"<x:xmpmeta>Wang</x:xmpmeta>", comment=b"by Wang") + b"film of Wang"


@pytest.fixture
def tree(app, monkeypatch, now):
    """A task for six villages; the first has reported with a photo."""
    monkeypatch.setattr(clock, "now", lambda: now)
    tree = make.small_tree()
    task = make.task(make.campaign(tree.unit(tree.county)), title="巾帼志愿服务")
    metric = make.metric(task, MetricKind.COUNT, name="服务人次")
    tree.task_id = task.id
    with unit_of_work():
        dispatch(task.id, actor=tree.actor(tree.county, Role.DISPATCHER), now=now)
    officer, unit = tree.actor(tree.villages[0], Role.OFFICER), tree.unit(tree.villages[0])
    work = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == unit.id))
    stored = app.extensions["evidence"].put(io.BytesIO(photo()), name="=活动.png")
    with unit_of_work():
        acknowledge(work, actor=officer, now=now, seen=1)
        file = keep_evidence(work, stored, "=活动.png", actor=officer, now=now)
        db.session.add(Capture(evidence_id=file, captured_at=now, latitude=31.234567, longitude=121.5, device="P60"))
    with unit_of_work():
        report = Report("=已完成<b>", {metric.id: Value(number=12)}, {file: None})
        submit(work, report, actor=officer, now=now, seen=2)
    with unit_of_work():
        seal()
    return tree


def made(app, tree, now, actor=None, **what):
    """The archive of what was asked for, as its row and its file."""
    actor = actor or tree.actor(tree.county, Role.DISPATCHER)
    with unit_of_work():
        id = ask(**({"unit_id": None, "task_id": None} | what), actor=actor, now=now).id
    counts = Counts()
    make_archives(app, now, now, counts)
    assert (counts.done, counts.failed) == (1, 0), counts.error
    row = db.session.get(Archive, id, populate_existing=True)
    return row, lying(app, row)


def lying(app, row):
    """Where the file of an archive lies."""
    return app.extensions["evidence"].shelf.folder / row.path


def test_a_ledger_is_whole_readable_and_verifiable(app, tree, now, tmp_path):
    row, path = made(app, tree, now, task_id=tree.task_id)
    assert (row.state, row.done, row.total, row.progress) == (ArchiveState.READY, 6, 6, 100)
    assert list(faults(path)) == []
    with zipfile.ZipFile(path) as found:
        texts = {name: found.read(name) for name in found.namelist()}
        found.extractall(tmp_path / "out")
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "out").returncode == 0
    everything = b"".join(texts.values()).decode(errors="ignore")
    assert "31.234567" not in everything
    assert "http" not in texts["index.html"].decode()
    assert [name for name in texts if name.startswith("evidence/")] != []
    page = next(text.decode() for name, text in texts.items() if name.endswith("/index.html") and b"12" in text)
    assert "=已完成&lt;b&gt;" in page
    assert "'=已完成" in texts["submissions.csv"].decode()
    events = [json.loads(line) for line in texts["log/events.jsonl"].splitlines()]
    assert any(event["digest"] for event in events)
    result = app.test_cli_runner().invoke(args=["archive", "verify", str(path)])
    assert (result.exit_code, "as it was made" in result.output) == (0, True)


def test_only_a_units_own_officer_gets_what_the_camera_wrote(app, tree, now):
    unit, sent = tree.unit(tree.villages[0]), photo()
    auditor = make.actor(make.holder(tree.unit(tree.county), Role.AUDITOR))
    boss = make.actor(make.holder(unit, Role.SUPERVISOR))
    for actor, what in (
        (None, {"task_id": tree.task_id}),
        (auditor, {"unit_id": unit.id}),
        (boss, {"unit_id": unit.id}),
    ):
        _row, path = made(app, tree, now, actor, **what)
        with zipfile.ZipFile(path) as found:
            (name,) = (name for name in found.namelist() if "-copy" in name)
            copy, manifest = found.read(name), json.loads(found.read("manifest.json"))
            assert name in next(found.read(n).decode() for n in found.namelist() if n.endswith("1/index.html"))
        assert b"Wang" not in copy
        with Image.open(io.BytesIO(copy)) as shown, Image.open(io.BytesIO(sent)) as original:
            assert dict(shown.getexif()) == {ORIENTATION: 6}
            assert shown.tobytes() == original.tobytes(), "no point is lost"
        assert manifest["originals"] == {name: {"sha256": hashlib.sha256(sent).hexdigest(), "size": len(sent)}}
        assert list(faults(path)) == []
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    row, path = made(app, tree, now, officer, unit_id=unit.id)
    with zipfile.ZipFile(path) as found:
        (name,) = (name for name in found.namelist() if name.startswith("evidence/"))
        assert found.read(name) == sent
        assert json.loads(found.read("manifest.json"))["originals"] == {}
    assert archive_of(row.id, officer) is not None
    with unit_of_work() as session:
        session.execute(update(Archive).values(person_id=auditor.person_id))
    assert archive_of(row.id, auditor) is None, "the originals go to officers of the unit only"


def test_a_film_goes_without_its_place_and_what_cannot_is_left_out_and_said(app, tree, now):
    unit, officer = tree.unit(tree.villages[1]), tree.actor(tree.villages[1], Role.OFFICER)
    work = db.session.scalar(select(Assignment.id).where(Assignment.unit_id == unit.id))
    web, note = b"\x1a\x45\xdf\xa3" + b"31.2345 121.4567", b"\xe4\xbc\x9a"
    for name, content in (("a.mp4", film()), ("b.webm", web), ("c.txt", note)):
        stored = app.extensions["evidence"].put(io.BytesIO(content), name=name)
        with unit_of_work():
            keep_evidence(work, stored, name, actor=officer, now=now)
    _row, path = made(app, tree, now, task_id=tree.task_id)
    with zipfile.ZipFile(path) as found:
        manifest = json.loads(found.read("manifest.json"))
        everything = b"".join(found.read(name) for name in found.namelist())
        of_film = found.read(f"evidence/{hashlib.sha256(film()).hexdigest()}-copy.mp4")
        assert found.read(f"evidence/{hashlib.sha256(note).hexdigest()}.txt") == note
    assert (film_place in everything, web in everything, SEEN in of_film) == (False, False, True)
    named = {name.partition("-")[2]: each["sha256"] for name, each in manifest["originals"].items()}
    sums = {end: hashlib.sha256(content).hexdigest() for end, content in (("copy.mp4", film()), ("left-out.txt", web))}
    assert {end: named[end] for end in sums} == sums
    assert list(faults(path)) == []
    _row, path = made(app, tree, now, officer, unit_id=unit.id)
    with zipfile.ZipFile(path) as found:
        assert found.read(f"evidence/{hashlib.sha256(web).hexdigest()}.webm") == web
        assert json.loads(found.read("manifest.json"))["originals"] == {}


def rewritten(path, to, name, data):
    """The same archive with another content of one member, or without it."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for each in old.namelist():
            if each != name:
                new.writestr(each, old.read(each))
            elif data is not None:
                new.writestr(each, data)
    return to


def test_what_was_changed_is_found(app, tree, now, tmp_path):
    _row, path = made(app, tree, now, task_id=tree.task_id)
    with zipfile.ZipFile(path) as found:
        events = found.read("log/events.jsonl")
    for name, data, said in (
        ("submissions.csv", b"", "submissions.csv: changed"),
        ("submissions.csv", None, "submissions.csv: missing"),
        ("SHA256SUMS", b"", "SHA256SUMS: not the hashes"),
        ("log/events.jsonl", events.replace(b"acknowledge", b"acknowledgE", 1), "line"),
    ):
        assert any(said in fault for fault in faults(rewritten(path, tmp_path / "b.zip", name, data))), name
    half = tmp_path / "half.zip"
    half.write_bytes(path.read_bytes()[:-900])
    assert list(faults(half)) != []
    assert app.test_cli_runner().invoke(args=["archive", "verify", str(half)]).exit_code == 1
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 150)):  # one bit anywhere: found, never a failure of ours
        half.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        list(faults(half))


def test_a_killed_maker_is_followed_by_another_and_old_files_go(app, tree, now, monkeypatch):
    officer = tree.actor(tree.villages[0], Role.OFFICER)
    with unit_of_work():
        id = ask(unit_id=tree.unit(tree.villages[0]).id, task_id=None, actor=officer, now=now).id
        assert claim(now=now).id == id  # and its maker dies
    store = app.extensions["evidence"]
    half = store.temporary / f"ledger-{id}-0.zip.part"
    half.write_bytes(b"half of it")
    make_archives(app, now, now, Counts())
    assert db.session.get(Archive, id, populate_existing=True).state is ArchiveState.RUNNING
    later = now + SILENT + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    make_archives(app, later, later, Counts())
    row = db.session.get(Archive, id, populate_existing=True)
    assert (row.state, row.total) == (ArchiveState.READY, 1)
    assert list(faults(lying(app, row))) == []
    os.utime(half, (now.timestamp(), now.timestamp()))
    tidy_files(store, now=now + timedelta(hours=2))
    assert not half.exists(), "what the dead maker left"
    with store.shelf.open(row.path, row.sha256) as stream:
        stranger = lying(app, row).with_name("ledger-0-a.zip")
        stranger.write_bytes(stream.read())
    old = (later - timedelta(days=9)).timestamp()
    for path in (stranger, lying(app, row)):
        os.utime(path, (old, old))
    assert [(found.check, found.subject) for found in archives_lie_there(store, now=later)] == [("archives", "file")]
    tidy_files(store, now=later)
    assert list(archives_lie_there(store, now=later)) == []
    assert [path.name for path in store.shelf.folder.iterdir()] == [row.path]
    make_archives(app, later, later + timedelta(days=15), Counts())
    assert list(store.shelf.folder.iterdir()) == []
    assert db.session.get(Archive, id, populate_existing=True).path == ""


def test_a_store_that_is_away_lets_an_archive_wait(app, tree, now, monkeypatch):
    """Not failed for good: begun anew when the beat of the one that found the store away is old."""
    store, officer = app.extensions["evidence"], tree.actor(tree.villages[0], Role.OFFICER)
    with unit_of_work():
        id = ask(unit_id=tree.unit(tree.villages[0]).id, task_id=None, actor=officer, now=now).id
    store.shelf.folder.parent.mkdir(parents=True, exist_ok=True)
    store.shelf.folder.write_text("a file where the folder should be")
    counts = Counts()
    make_archives(app, now, now, counts)
    assert (counts.failed, db.session.get(Archive, id, populate_existing=True).state) == (1, ArchiveState.RUNNING)
    store.shelf.folder.unlink()
    later = now + SILENT + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    make_archives(app, later, later, Counts())
    row = db.session.get(Archive, id, populate_existing=True)
    assert (row.state, list(store.temporary.glob("*.part"))) == (ArchiveState.READY, [])
    lying(app, row).write_bytes(b"swapped")
    assert [found.subject for found in archives_lie_there(store, now=later)] == ["archive"]


def test_evidence_that_is_lost_is_named_and_does_not_stop_the_rest(app, tree, now):
    shutil.rmtree(app.extensions["evidence"].folder, ignore_errors=True)
    _row, path = made(app, tree, now, task_id=tree.task_id)
    with zipfile.ZipFile(path) as found:
        assert "=活动.png" in found.read("lost.txt").decode()
    assert list(faults(path)) == []


def test_the_same_ledger_is_under_way_once_and_three_of_one_person(app, tree, now):
    """Asked twelve times in the same instant; as somebody else, in another post and when it is made it is another."""
    unit, officer = tree.unit(tree.villages[0]).id, tree.actor(tree.villages[0], Role.OFFICER)
    boss = make.actor(make.holder(tree.unit(tree.villages[0]), Role.SUPERVISOR))

    def asks(actor=officer, unit_id=unit, task_id=None):
        return lambda: ask(unit_id=unit_id, task_id=task_id, actor=actor, now=now)

    answers = at_once(app, *[asks()] * 12)
    assert sorted(each.under_way for each in answers) == [False] + [True] * 11
    assert len({each.id for each in answers}) == 1
    others = at_once(app, asks(boss), asks(unit_id=None, task_id=tree.task_id), asks(unit_id=tree.unit(tree.county).id))
    assert not any(each.under_way for each in others)
    with pytest.raises(Refused, match="Several"), unit_of_work():
        asks(unit_id=tree.unit(tree.city).id)()
    with unit_of_work():
        assert asks()().under_way, "also where three are being made"
    make_archives(app, now, now, Counts())
    with unit_of_work():
        assert not asks()().under_way


def test_who_may_ask_for_which_ledger(app, tree, now):
    county, village = tree.unit(tree.county).id, tree.unit(tree.villages[0]).id
    boss, officer = tree.actor(tree.county, Role.DISPATCHER), tree.actor(tree.villages[0], Role.OFFICER)
    auditor = make.actor(make.holder(tree.unit(tree.county), Role.AUDITOR))

    def asked(actor):
        return {(each.unit_id, each.task_id) for each in subjects(actor)}

    assert asked(boss) == {(county, None), (None, tree.task_id)}
    assert asked(officer) == {(village, None)}
    assert {(county, None), (village, None), (None, tree.task_id)} <= asked(auditor)
    assert asked(tree.actor(tree.townships[0], Role.SUPERVISOR)) == {(tree.unit(tree.townships[0]).id, None)}
    row, _path = made(app, tree, now, task_id=tree.task_id)
    assert archive_of(row.id, boss) is not None
    assert archive_of(row.id, auditor) is None, "an archive is its asker's"
    with unit_of_work() as session:
        session.execute(update(Archive).values(person_id=officer.person_id))
    assert archive_of(row.id, officer) is None, "and only as long as the ledger is"
