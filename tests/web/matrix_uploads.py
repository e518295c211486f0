"""The cells of the matrix for files on their way in, and for pieces that the unit has sent before."""

from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

from campaign.db import unit_of_work
from campaign.models import Upload
from campaign.rules.organisation import Role
from campaign.rules.states import WORKING, State
from tests import make

from .matrix import Thing, Who, World
from .matrix_case import MISSING, Case, Expect, thing_of

CONTENT = b"sent in pieces"
BEGUN, NONE = UUID(int=6), UUID(int=7)


def uploads(world: World) -> Iterator[Case]:
    """Only officers of the unit, while the work is with them; an upload is there for who began it alone."""
    announced = {"sha256": sha256(CONTENT).hexdigest(), "size": str(len(CONTENT)), "name": "a.txt"}
    for state in (State.ACKNOWLEDGED, State.SUBMITTED):
        thing, id = thing_of(state), world.ids[state.name]
        mine = state in (State.ISSUED, *WORKING)
        given = {"values": {"id": id}, "twin": {"id": MISSING}, "label": str(state)}
        post = given | {"method": "POST"}
        yield Case("assignments.begin_upload", _begins(thing, 201 if mine else 409), **post | {"data": announced})
        yield Case("assignments.earlier_evidence", _looks(thing, 200 if mine else 409), **given)
        yield Case("assignments.use_earlier", _looks(thing, 422 if mine else 409), **post)
        yield Case("evidence.captures", _close(thing, state), **given)
    foreign = post | {"data": {"piece": str(world.ids["foreign"] + MISSING)}}
    yield Case("assignments.use_earlier", _looks(thing, 409), **foreign)
    owner, id = "officer of the unit", world.ids[State.ACKNOWLEDGED.name]
    half = {"values": {"id": id, "upload_id": BEGUN}, "twin": {"id": id, "upload_id": NONE}}
    yield Case("assignments.add_piece", _own(owner, 200), method="PUT", **half)
    yield Case("assignments.finish_upload", _own(owner, 409), method="POST", **half)
    yield Case("assignments.drop_upload", _own(owner, 204), method="POST", **half)


def begin(world: World) -> None:
    """An upload of the officer that is under way."""
    fields = {"sha256": sha256(CONTENT).hexdigest(), "size": len(CONTENT), "name": "a.txt"}
    fields |= {"person_id": world.ids["officer of the unit"], "assignment_id": world.ids[State.ACKNOWLEDGED.name]}
    with unit_of_work() as session:
        session.add(Upload(id=str(BEGUN), begun_at=make.NOW, at=make.NOW, **fields))


def _begins(thing: Thing, wins: int) -> Expect:
    return lambda who: (wins if who.reports(thing) else 403) if who.sees(thing) else 404


def _looks(thing: Thing, wins: int) -> Expect:
    return lambda who: wins if who.sees(thing) and who.reports(thing) else 404


def _close(thing: Thing, state: State) -> Expect:
    """Officers of the unit, and supervisors of the units that review what was handed in."""
    handed_in = state is State.SUBMITTED

    def expect(who: Who) -> int:
        judges = handed_in and who.has(Role.SUPERVISOR) and who.sees(thing)
        return 200 if who.reports(thing) or judges else 404

    return expect


def _own(owner: str, wins: int) -> Expect:
    return lambda who: wins if who.name == owner else 404
