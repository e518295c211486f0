"""Archives: asked for, claimed by whoever makes them, their progress, their end; old ones are swept away.

A process that dies leaves its archive RUNNING without a beat; whoever comes next begins it anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import and_, false, func, insert, or_, select, update

from ..db import alone, db
from ..errors import Forbidden, Refused, say
from ..models import Archive, Person, Post, Task, Unit
from ..rules.organisation import Actor, Role
from ..rules.rechecks import ArchiveState
from .log import record
from .repeating import once, remember

TAG = "archive:ledger:ask"
SILENT = timedelta(minutes=5)  # without a beat for so long its maker is dead
KEPT = timedelta(days=14)
MOST_WAITING = 3  # of one person at a time
ASKING = 6  # what a person is alone with; notify/delivery.py, resending.py, telling.py and people.py have 1 to 5
LONGEST_ERROR = 500


@dataclass(frozen=True)
class Asked:
    """The archive that was asked for; `under_way`: the same ledger was being made for the same person already."""

    id: int
    under_way: bool = False


@dataclass(frozen=True)
class Order:
    """An archive to be made: of a unit or of a task, in the language of who asked.

    `own`: an officer of that unit asked, so its photos are the originals, with what the camera wrote.
    """

    id: int
    unit_id: int | None
    task_id: int | None
    name: str
    locale: str | None
    own: bool


def ask(
    *, unit_id: int | None, task_id: int | None, actor: Actor, now: datetime, client_action_id: str | None = None
) -> Asked:
    """Asks for the ledger of a unit or of a task; whether it is theirs is asked before. While the same ledger is being
    made for the same person in the same post, that one is answered.

    Forbidden without a post; Refused while several others of the same person are being made.
    """
    content = {"unit": unit_id, "task": task_id}
    before = once(client_action_id, actor=actor, subject="archive", content=content, now=now)
    if before is not None:
        return Asked(int(before))
    if not actor.posts:
        raise Forbidden(say("None of your posts may do this here."))
    post = actor.post_in(unit_id, Role.OFFICER)
    post = post or next((post for post in actor.posts if post.unit_id == unit_id), actor.posts[0])
    same = _under_way(unit_id, task_id, post.id, actor)
    if same is not None:
        remember(client_action_id, str(same))
        return Asked(same, under_way=True)
    row = {"unit_id": unit_id, "task_id": task_id, "person_id": actor.person_id, "post_id": post.id, "asked_at": now}
    archive_id: int = db.session.execute(insert(Archive).values(row).returning(Archive.id)).scalar_one()
    record(
        tag=TAG, subject="archive", subject_id=archive_id, actor=actor, post_id=post.id, now=now,
        data={"unit": unit_id, "task": task_id},
    )  # fmt: skip
    remember(client_action_id, str(archive_id))
    return Asked(archive_id)


def _under_way(unit_id: int | None, task_id: int | None, post_id: int, actor: Actor) -> int | None:
    """The archive of the same ledger that is being made for the actor in that post. Two that ask in the same instant
    wait for each other here, so that the second finds the first."""
    alone(ASKING, actor.person_id)
    busy = db.session.execute(
        select(Archive.id, Archive.unit_id, Archive.task_id, Archive.post_id).where(
            Archive.person_id == actor.person_id, Archive.state.in_((ArchiveState.WAITING, ArchiveState.RUNNING))
        )
    ).all()
    same = [row.id for row in busy if (row.unit_id, row.task_id, row.post_id) == (unit_id, task_id, post_id)]
    if not same and len(busy) >= MOST_WAITING:
        raise Refused(say("Several of your archives are still being made. Please wait for them first."))
    return min(same, default=None)


def claim(*, now: datetime) -> Order | None:
    """The next archive to make: the one that waits longest, or one whose maker is silent. None when there is none."""
    free = or_(
        Archive.state == ArchiveState.WAITING,
        and_(Archive.state == ArchiveState.RUNNING, or_(Archive.beat_at.is_(None), Archive.beat_at < now - SILENT)),
    )
    first = select(Archive.id).where(free).order_by(Archive.id).limit(1).with_for_update(skip_locked=True)
    archive_id = db.session.execute(first).scalar_one_or_none()
    if archive_id is None:
        return None
    _write(archive_id, state=ArchiveState.RUNNING, beat_at=now, done=0, total=0, progress=0)
    row = db.session.execute(
        select(
            Archive.id, Archive.unit_id, Archive.task_id, func.coalesce(Unit.name, Task.title), Person.locale,
            func.coalesce(and_(Post.unit_id == Archive.unit_id, Post.role == Role.OFFICER), false()),
        )
        .outerjoin(Unit, Unit.id == Archive.unit_id)
        .outerjoin(Task, Task.id == Archive.task_id)
        .join(Person, Person.id == Archive.person_id)
        .join(Post, Post.id == Archive.post_id)
        .where(Archive.id == archive_id)
    ).one()  # fmt: skip
    return Order(*row)


def beat(archive_id: int, done: int, total: int, *, now: datetime) -> None:
    """Says that it is being made, and how far it is."""
    _write(archive_id, beat_at=now, done=done, total=total, progress=min(99, done * 100 // max(total, 1)))


def finish(archive_id: int, *, path: str, size: int, sha256: str, now: datetime) -> None:
    """It lies there. `path`: its name on the shelf of the evidence's home; `size` in bytes."""
    _write(
        archive_id, state=ArchiveState.READY, progress=100, path=path, size=size, sha256=sha256, error="",
        finished_at=now, beat_at=now,
    )  # fmt: skip


def fail(archive_id: int, error: str, *, now: datetime) -> None:
    """It could not be made; why is kept for who looks after the machine."""
    _write(archive_id, state=ArchiveState.FAILED, error=error[:LONGEST_ERROR], finished_at=now)


def forget(*, now: datetime) -> list[str]:
    """Marks archives that are older than two weeks as gone; the names of the files that may be removed."""
    old = select(Archive.id, Archive.path).where(Archive.finished_at < now - KEPT, Archive.path != "")
    gone = db.session.execute(old.with_for_update(skip_locked=True)).all()
    for row in gone:
        _write(row.id, path="", state=ArchiveState.FAILED, error="swept")
    return [row.path for row in gone]


def known(names: Collection[str]) -> set[str]:
    """Those of the names under which an archive lies that may still be fetched."""
    kept = db.session.execute(select(Archive.path).where(Archive.path != "")).scalars()  # of two weeks, so all are few
    return set(names).intersection(kept)


def name_of(archive_id: int) -> str:
    """A name for the file of an archive, another one with each making: a maker that was taken for dead and comes back
    writes beside its follower, never into what the other has made."""
    return f"ledger-{archive_id}-{uuid4().hex[:12]}.zip"


def _write(archive_id: int, **values: object) -> None:
    statement = update(Archive).where(Archive.id == archive_id).values(**values)
    db.session.execute(statement.execution_options(synchronize_session=False))
