"""Tidying removes what nobody needs, and never a file that a row knows or is about to know."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from campaign.db import db, unit_of_work
from campaign.errors import Busy
from campaign.evidence.store_bucket import BucketStore
from campaign.evidence.store_folder import FolderStore
from campaign.models import ClientAction, LoginGuard, LoginSession
from campaign.operations import archives, reporting
from campaign.operations.tidying import tidy_files, tidy_rows
from campaign.queries.checking import no_file_is_without_a_row
from campaign.rules.organisation import Role
from campaign.rules.states import State
from jobs.keep import tidy
from jobs.runner import Counts
from tests import make
from tests.evidence.homes import bucket, bucket_store, keys_below, s3_server

__all__ = ["bucket", "bucket_store", "s3_server"]

DAY = timedelta(days=1)


@pytest.fixture
def store(app) -> FolderStore:
    return app.extensions["evidence"]


def put(store: FolderStore, words: str) -> str:
    return store.put(io.BytesIO(words.encode()), name="a.txt").sha256


def age(path: Path, moment) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def kept_by(model, column) -> set:
    db.session.rollback()
    return set(db.session.execute(select(column)).scalars())


def test_only_files_that_no_row_has_known_for_a_day_go(store, now):
    tree = make.small_tree()
    village = tree.villages[0]
    assignment = make.assignment(
        make.task(make.campaign(tree.unit(tree.county))), tree.unit(village), State.ACKNOWLEDGED
    )
    stored = store.put(io.BytesIO(b"evidence"), name="a.txt")
    with unit_of_work():
        reporting.keep_evidence(assignment.id, stored, "a.txt", actor=tree.actor(village, Role.OFFICER), now=now)
    old, young = put(store, "an orphan"), put(store, "a young orphan")
    age(store.path(stored.sha256), now - 400 * DAY)
    age(store.path(old), now - DAY - timedelta(minutes=1))
    age(store.path(young), now - DAY + timedelta(minutes=1))
    broken_off = store.temporary / "1.part"
    broken_off.write_bytes(b"x")
    age(broken_off, now - timedelta(hours=2))
    assert tidy_files(store, now=now) == 2
    assert set(store.stored()) == {stored.sha256, young}
    assert list(store.temporary.iterdir()) == []
    assert store.verify(stored.sha256)
    assert tidy_files(store, now=now) == 0


def test_a_crash_between_the_file_and_its_row_leaves_only_an_orphan(store, now, settings):
    """The process dies after `put`, before the row: nothing points at the file, and a day later it is gone."""
    script = (
        "import io, os, pathlib, sys\n"
        "from campaign.evidence.store_folder import FolderStore\n"
        "FolderStore(pathlib.Path(sys.argv[1])).put(io.BytesIO(b'never named by a row'), name='a.txt')\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(settings.evidence_path)]).returncode == 9
    [orphan] = store.stored()
    assert store.verify(orphan)
    age(store.path(orphan), now - 2 * DAY)
    assert tidy_files(store, now=now) == 1
    assert list(store.stored()) == []


@pytest.fixture
def known(app, bucket_store, now) -> str:
    """A file in a bucket that a row knows."""
    tree = make.small_tree()
    village = tree.villages[0]
    task = make.task(make.campaign(tree.unit(tree.county)))
    assignment = make.assignment(task, tree.unit(village), State.ACKNOWLEDGED)
    stored = bucket_store.put(io.BytesIO(b"evidence"), name="a.txt")
    with unit_of_work():
        reporting.keep_evidence(assignment.id, stored, "a.txt", actor=tree.actor(village, Role.OFFICER), now=now)
    return stored.sha256


def test_in_a_bucket_they_go_in_two_steps_a_day_apart(bucket_store, known):
    orphan = put(bucket_store, "an orphan")
    kept_at = bucket_store._head(bucket_store.key(orphan))["LastModified"]
    assert tidy_files(bucket_store, now=kept_at + DAY - timedelta(minutes=1)) == 0
    assert keys_below(bucket_store) == sorted(f"{name[:2]}/{name[2:4]}/{name}" for name in (known, orphan))
    assert tidy_files(bucket_store, now=kept_at + DAY + timedelta(minutes=1)) == 0
    assert f"aside/{orphan}" in keys_below(bucket_store)
    assert bucket_store.verify(orphan)  # should its row come after all, it is still read
    assert tidy_files(bucket_store, now=kept_at + DAY + timedelta(minutes=1)) == 1
    assert keys_below(bucket_store) == [f"{known[:2]}/{known[2:4]}/{known}"]
    assert bucket_store.verify(known)
    assert list(no_file_is_without_a_row(bucket_store, now=kept_at + 9 * DAY)) == []


def test_check_names_what_tidying_has_left(bucket_store, known):
    orphan = put(bucket_store, "an orphan")
    kept_at = bucket_store._head(bucket_store.key(orphan))["LastModified"]
    assert list(no_file_is_without_a_row(bucket_store, now=kept_at + 2 * DAY)) == []
    [breach] = no_file_is_without_a_row(bucket_store, now=kept_at + 4 * DAY)
    assert (breach.check, breach.subject_id) == ("evidence", orphan)


def test_rows_are_tidied_although_the_store_is_away(app, bucket_store, now):
    gone = BucketStore(bucket_store.folder, replace(bucket_store.bucket, endpoint="http://127.0.0.1:9"))
    app.extensions["evidence"] = gone
    with unit_of_work() as session:
        session.add(LoginGuard(login="idle", window_from=now - 3 * DAY, tries=3))
    counts = Counts()
    with pytest.raises(Busy):
        tidy(app, now, now, counts)
    assert counts.done == 1
    assert kept_by(LoginGuard, LoginGuard.login) == set()


def test_many_files_take_few_questions(store, now, monkeypatch):
    monkeypatch.setattr("campaign.operations.tidying.HASHES_AT_ONCE", 4)
    names = [put(store, f"orphan {number}") for number in range(10)]
    for name in names:
        age(store.path(name), now - 2 * DAY)
    assert tidy_files(store, now=now) == 10


def test_more_archives_than_a_statement_may_name_are_asked_for(app):
    assert archives.known([f"ledger-{number}-x.zip" for number in range(70_000)]) == set()


def test_sessions_guards_and_actions_that_are_over_go(app, now):
    person = make.person()
    times = {"ended": now - 3 * DAY, "living": now - timedelta(minutes=5)}
    with unit_of_work() as session:
        for name, seen in times.items():
            fields = {"person_id": person.id, "started_at": seen, "seen_at": seen, "ends_at": seen + DAY}
            session.add(LoginSession(digest=name, **fields))
            session.add(LoginGuard(login=name, window_from=seen, tries=3))
        locked = {"window_from": now - 3 * DAY, "tries": 9, "locked_until": now + timedelta(hours=1)}
        session.add(LoginGuard(login="locked", **locked))
        for name, days in (("young", 89), ("old", 91)):
            session.add(ClientAction(id=name, person_id=person.id, subject="x", digest="0", at=now - days * DAY))
    with unit_of_work():
        assert tidy_rows(now=now) == 3
    assert kept_by(LoginSession, LoginSession.digest) == {"living"}
    assert kept_by(LoginGuard, LoginGuard.login) == {"living", "locked"}
    assert kept_by(ClientAction, ClientAction.id) == {"young"}
