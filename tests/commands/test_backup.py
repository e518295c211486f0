"""A backup goes back whole into either database, or not at all."""

import io
from pathlib import Path

import pytest
from sqlalchemy import select, text

from campaign import create_app
from campaign.config import Settings
from campaign.db import Base, db, unit_of_work
from campaign.documents.backups import CHUNK
from campaign.errors import Refused
from campaign.evidence.store import Damaged
from campaign.models import Evidence, Person
from campaign.operations.backing_up import back_up, restore
from campaign.operations.reporting import Report, acknowledge, keep_evidence, submit
from campaign.rules.organisation import Role
from tests import make
from tests.databases import SECRET

PLACES = ["sqlite", "postgres"]


def quiet(_step: str, _done: int, _of: int) -> None:
    """Nobody looks on."""


def everything() -> dict[str, list[tuple]]:
    """Every row of every table, as the database keeps it, in an order of its own."""
    found = {}
    for table in Base.metadata.sorted_tables:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        rows = db.session.execute(text(f'SELECT {names} FROM "{table.name}"')).all()
        found[table.name] = sorted(tuple(_plain(value) for value in row) for row in rows)
    return found


def _plain(value: object) -> str:
    """The same for both databases, of which one has no truth values."""
    return str(int(value)) if isinstance(value, bool) else str(value)


@pytest.fixture
def made(app, now, tmp_path) -> tuple[Path, dict[str, list[tuple]], str]:
    """A backup of a little work with a photo; what the tables held; the hash of the photo."""
    tree = make.small_tree()
    officer = make.actor(tree.holder(tree.villages[0], Role.OFFICER))
    task = make.task(make.campaign(tree.unit(tree.county)))
    work = make.assignment(task, tree.unit(tree.villages[0]))
    store = app.extensions["evidence"]
    stored = store.put(io.BytesIO(b"x" * 3 * CHUNK), name="a.txt")
    with unit_of_work():
        acknowledge(work.id, actor=officer, now=now, seen=1)
        kept = keep_evidence(work.id, stored, "名册.txt", actor=officer, now=now)
        submit(work.id, Report(words="已完成，台账齐全。", evidence={kept: None}), actor=officer, now=now, seen=2)
    file = tmp_path / "kept.tar"
    assert back_up(file, store, now=now, progress=quiet) == 1
    return file, everything(), stored.sha256


@pytest.fixture
def elsewhere(request, made, tmp_path, sqlite_template, postgres_server, postgres_template):
    """An empty installation on the database asked for."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'other.sqlite'}"
        (tmp_path / "other.sqlite").write_bytes(sqlite_template.read_bytes())
    else:
        url = postgres_server.create(f"{postgres_server.name}_other", postgres_template)
    other = create_app(Settings(database_url=url, data_dir=str(tmp_path / "other"), env="test", secret_key=SECRET))
    db.session.remove()
    with other.app_context():
        yield other
        db.session.remove()
        db.engine.dispose()
    if request.param == "postgres":
        postgres_server.drop(f"{postgres_server.name}_other")


@pytest.mark.parametrize("elsewhere", PLACES, indirect=True)
def test_everything_comes_back_and_goes_on(elsewhere, made, now):
    file, before, sha256 = made
    store = elsewhere.extensions["evidence"]
    with unit_of_work():
        assert restore(file, store, progress=quiet) == now.isoformat()
    assert everything() == before
    assert store.verify(sha256) and db.session.scalars(select(Evidence.sha256)).all() == [sha256]
    assert make.person("新来的").id > max(int(row[0]) for row in before["person"])
    with pytest.raises(Refused, match="empty"), unit_of_work():
        restore(file, store, progress=quiet)


@pytest.mark.parametrize("elsewhere", ["sqlite"], indirect=True)
def test_what_is_torn_or_changed_is_not_read(elsewhere, made, tmp_path):
    whole, store = made[0].read_bytes(), elsewhere.extensions["evidence"]
    torn = [whole[: len(whole) * part // 7] for part in range(7)]
    at = whole.index("已完成".encode("unicode_escape")) if "已完成".encode("unicode_escape") in whole else 2_000
    changed = whole[:at] + b"?" + whole[at + 1 :]
    for number, content in enumerate([*torn, changed, b"not a tar"]):
        file = tmp_path / f"{number}.tar"
        file.write_bytes(content)
        with pytest.raises(Refused), unit_of_work():
            restore(file, store, progress=quiet)
        assert db.session.scalars(select(Person.id)).all() == [1] and not list(store.stored())


def test_a_backup_never_writes_over_a_file_and_leaves_no_half_one(app, made, now, tmp_path):
    file, _before, sha256 = made
    with pytest.raises(Refused, match="already"):
        back_up(file, app.extensions["evidence"], now=now, progress=quiet)
    store = app.extensions["evidence"]
    (path,) = [path for path in store.folder.rglob(f"*{sha256[4:]}*") if path.is_file()]
    path.chmod(0o600)
    path.write_bytes(b"swapped")
    with pytest.raises(Damaged):
        back_up(tmp_path / "second.tar", store, now=now, progress=quiet)
    assert sorted(each.name for each in tmp_path.glob("*.tar*")) == ["kept.tar"]
