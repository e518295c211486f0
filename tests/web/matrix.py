"""A small world for the matrix of rights, and who may do what in it by a model of its own.

The model knows places as paths ('city/county/t0/v0') and reads the scope law from the glossary, not from the product.
"""

import io
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from campaign.db import db, unit_of_work
from campaign.documents.waiting import keep_table
from campaign.models import (
    Area,
    Assignment,
    Calendar,
    Delegation,
    Delivery,
    Event,
    LadderVersion,
    LoginSession,
    Notice,
    Occasion,
    Person,
    Post,
    Question,
    Suspension,
    Task,
)
from campaign.operations.periods import send
from campaign.operations.recording import claim_slot
from campaign.operations.reporting import keep_evidence
from campaign.operations.requests import Wish, ask
from campaign.rules.dates import DueKind
from campaign.rules.organisation import SYSTEM, Level, Line, Role
from campaign.rules.plans import CampaignStatus
from campaign.rules.requests import RequestKind
from campaign.rules.states import State
from campaign.rules.telling import Channel, DeliveryState
from campaign.web.access import digest_of
from tests import make
from tests.evidence.hostile import picture

from .matrix_handed import handed_down
from .reviewed import reviewed

COUNTY, OTHER = "city/county", "city/other"
TOWN, VILLAGE = "city/county/t0", "city/county/t0/v0"
P, W, U = Line.PARTY, Line.WOMEN, Line.UNION
STAFF: dict[str, tuple[str, Line, Role]] = {
    "officer of the unit": (VILLAGE, W, Role.OFFICER),
    "officer of a sibling village": ("city/county/t0/v1", W, Role.OFFICER),
    "officer of another line there": (VILLAGE, U, Role.OFFICER),
    "officer of the party there": (VILLAGE, P, Role.OFFICER),
    "supervisor at the waiting level": (TOWN, W, Role.SUPERVISOR),
    "supervisor of another township": ("city/county/t1", W, Role.SUPERVISOR),
    "supervisor one level above": (COUNTY, W, Role.SUPERVISOR),
    "dispatcher of the issuing unit": (COUNTY, W, Role.DISPATCHER),
    "dispatcher of another line there": (COUNTY, U, Role.DISPATCHER),
    "dispatcher of another county": (OTHER, W, Role.DISPATCHER),
    "administrator inside": (COUNTY, P, Role.ADMINISTRATOR),
    "administrator of the township": (TOWN, W, Role.ADMINISTRATOR),
    "administrator of another subtree": (OTHER, P, Role.ADMINISTRATOR),
    "auditor": (COUNTY, P, Role.AUDITOR),
}
# Who has no post of their own and stands in for another actor; and one whose time is over, who may nothing.
LENT = {"stand-in for that supervisor": "supervisor at the waiting level"}
STOOD_IN = "stand-in until yesterday"
STAFF |= {name: STAFF[holder] for name, holder in LENT.items()}
NOBODY, DISABLED, ANONYMOUS = "person without a post", "disabled person", "anonymous"
ACTORS = (*STAFF, STOOD_IN, NOBODY, DISABLED, ANONYMOUS)


# -- the model: nothing of the product but the names of lines, roles and states ----------------------------------------


@dataclass(frozen=True)
class Thing:
    """Something that the pages show: the unit it belongs to, who issued it, where it waits, whether it is a draft."""

    place: str = VILLAGE
    line: Line = W
    issuer: tuple[str, Line] = (COUNTY, W)
    waits_at: tuple[str, Line] | None = None
    state: State | None = None
    draft: bool = False
    received: bool = True


@dataclass(frozen=True)
class Who:
    """An actor of the matrix as the model knows it; nobody has more than one post here."""

    name: str

    @property
    def post(self) -> tuple[str, Line, Role] | None:
        """Where they stand."""
        return STAFF.get(self.name)

    @property
    def outside(self) -> bool:
        """Whether they are not signed in."""
        return self.name in (DISABLED, ANONYMOUS)

    def has(self, *roles: Role) -> bool:
        """Whether the post has one of these roles."""
        return self.post is not None and self.post[2] in roles

    def covers(self, place: str, line: Line) -> bool:
        """Whether a unit lies in the subtree and the line of the post; the Party's post has all lines."""
        if self.post is None:
            return False
        own, mine, _role = self.post
        return (place == own or place.startswith(own + "/")) and mine in (Line.PARTY, line)

    def stands_in(self, unit: tuple[str, Line] | None) -> bool:
        """Whether the post is in exactly that unit."""
        return self.post is not None and self.post[:2] == unit

    def sees(self, thing: Thing) -> bool:
        """An assignment, and what hangs on it."""
        return (
            self.covers(thing.place, thing.line) or self.stands_in(thing.waits_at) or self.stands_in(thing.issuer)
        )  # fmt: skip

    def sees_campaign(self, thing: Thing) -> bool:
        """A draft is its issuer's; an issued one is also for those above the issuer and those who receive it."""
        if self.stands_in(thing.issuer):
            return True
        return not thing.draft and (self.covers(*thing.issuer) or (thing.received and self.sees(thing)))

    def reports(self, thing: Thing) -> bool:
        """Whether this is the officer it is addressed to."""
        return self.has(Role.OFFICER) and self.stands_in((thing.place, thing.line))

    def reviews(self, thing: Thing) -> bool:
        """Whether this is the supervisor it waits for."""
        return self.has(Role.SUPERVISOR) and self.stands_in(thing.waits_at)

    def issues(self, thing: Thing) -> bool:
        """Whether this is the dispatcher who issued it."""
        return self.has(Role.DISPATCHER) and self.stands_in(thing.issuer)

    def oversees(self, thing: Thing) -> bool:
        """Whether an administrator or auditor has it in reach."""
        return self.has(Role.ADMINISTRATOR, Role.AUDITOR) and self.covers(thing.place, thing.line)


# -- the world ---------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """The tree with its people, one signed-in client for each actor, and the ids of what can be asked for."""

    app: Flask
    database: Path
    units: dict[tuple[str, Line], int] = field(default_factory=dict)
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    names: dict[tuple[str, Line], str] = field(default_factory=dict)
    token: str = ""
    letter_digest: str = ""

    @property
    def copy(self) -> Path:
        """The database as it was built."""
        return self.database.with_suffix(".built")

    def keep(self) -> None:
        """Notes how everything stands; only a SQLite file can be put back."""
        self._close()
        if not self.database.is_file():
            return
        shutil.copyfile(self.database, self.copy)

    def restore(self) -> None:
        """Everything as it was noted."""
        self._close()
        shutil.copyfile(self.copy, self.database)

    def _close(self) -> None:
        db.session.remove()
        db.engine.dispose()


def build(app: Flask) -> World:
    """The world in a fresh SQLite database."""
    world = World(app, Path(db.engine.url.database or ""))
    tree = make.small_tree()
    other = _other_county(tree.city)
    places = {"city": tree.city, COUNTY: tree.county, **other}
    places |= {f"{COUNTY}/t{at}": area for at, area in enumerate(tree.townships)}
    places |= {f"{COUNTY}/t{at // 3}/v{at % 3}": area for at, area in enumerate(tree.villages)}
    for path, area in places.items():
        for line in (P, W, U):
            unit = tree.units.get((area.id, line)) or make.unit(area, line)
            world.units[path, line], world.names[path, line] = unit.id, unit.name
    _staff(world)
    _work(world, tree)
    _elsewhere(world)
    _recurring(world, tree)
    _asked(world, tree)
    _requested(world, tree)
    handed_down(world, tree)
    reviewed(world, tree)
    with unit_of_work():
        claim_slot("fold", make.NOW, worker="w:1", now=make.NOW)  # the clock ticks
    world.keep()
    return world


def _asked(world: World, tree: make.SmallTree) -> None:
    """An assignment whose officer has asked the township a question, and a ladder of the county's unit."""
    made = make.assignment(
        make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]), State.ACKNOWLEDGED,
        suspended_at=make.NOW,
    )  # fmt: skip
    officer = world.ids["officer of the unit"]
    with unit_of_work() as session:
        post_id = session.scalars(select(Post.id).where(Post.person_id == officer)).one()
        fields = {"person_id": officer, "post_id": post_id, "asked_at": make.NOW, "words": "可否延用旧名册"}
        asked = Question(assignment_id=made.id, unit_id=world.units[TOWN, W], **fields)
        default = session.get_one(LadderVersion, 1)
        ladder = LadderVersion(
            key="strict", version=1, name="从严", unit_id=world.units[COUNTY, W], rungs=default.rungs,
            person_id=officer, at=make.NOW,
        )  # fmt: skip
        session.add_all([asked, ladder])
        session.flush()
        session.add(Suspension(assignment_id=made.id, question_id=asked.id, began_at=make.NOW))
        world.ids |= {"asked": made.id, "question": asked.id, "ladder": ladder.id}


def _requested(world: World, tree: make.SmallTree) -> None:
    """An assignment for which more time was asked of the county's unit that issued it."""
    made = make.assignment(make.task(make.campaign(tree.unit(tree.county))), tree.unit(tree.villages[0]))
    officer = make.actor(db.session.get_one(Person, world.ids["officer of the unit"]))
    wish = Wish(RequestKind.EXTENSION, "道路不通", make.TODAY + timedelta(days=30))
    with unit_of_work():
        world.ids["request"] = ask(made.id, wish, actor=officer, now=make.NOW, seen=1)


def _other_county(city: Area) -> dict[str, Area]:
    county = make.area("白石县", Level.COUNTY, city)
    township = make.area("白石镇", Level.TOWNSHIP, county)
    return {OTHER: county, f"{OTHER}/t0": township, f"{OTHER}/t0/v0": make.area("白石村", Level.VILLAGE, township)}


def _staff(world: World) -> None:
    """One person for each actor; those whom the tree had already stay beside them."""
    for name in ACTORS:
        person = make.person(locale="en")
        if name in STAFF and name not in LENT:
            place, line, role = STAFF[name]
            unit_id = world.units[place, line]
            with unit_of_work() as session:
                for former in session.scalars(select(Post).where(Post.unit_id == unit_id, Post.role == role)):
                    session.delete(former)
                fields = {"valid_from": make.TODAY.replace(month=1, day=1)}
                session.add(Post(person_id=person.id, unit_id=unit_id, role=role, **fields))
        world.ids[name] = person.id
        world.clients[name] = sign_in(world.app, None if name == ANONYMOUS else person)
    with unit_of_work():
        db.session.get_one(Person, world.ids[DISABLED]).disabled_at = make.NOW
    _lend(world)


def _lend(world: World) -> None:
    """The stand-ins: one who acts today, and one who acted until yesterday."""
    for name, holder, day in (*((name, holder, 0) for name, holder in LENT.items()), (STOOD_IN, *LENT.values(), -1)):
        holder_id = world.ids[holder]
        post_id = db.session.scalars(select(Post.id).where(Post.person_id == holder_id)).one()
        last = make.TODAY + timedelta(days=day)
        fields = {"valid_from": last - timedelta(days=2), "valid_to": last, "at": make.NOW}
        with unit_of_work() as session:
            made = Delegation(post_id=post_id, delegator_id=holder_id, delegate_id=world.ids[name], **fields)
            session.add(made)
            session.flush()
            if name in LENT:
                world.ids["link"] = made.id


def sign_in(app: Flask, person: Person | None) -> FlaskClient:
    """A client of somebody who is signed in and reads English; of a stranger without a person."""
    client = app.test_client()
    client.set_cookie("locale", "en")
    if person is None:
        return client
    secret, now = secrets.token_hex(16), make.NOW
    fields = {"started_at": now, "seen_at": now, "ends_at": now + timedelta(hours=8)}
    with unit_of_work() as session:
        session.add(LoginSession(digest=digest_of(secret), person_id=person.id, **fields))
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = secret, True
    return client


def _work(world: World, tree: make.SmallTree) -> None:
    """A campaign with one assignment in each state, a draft, evidence, a delivery that gave up, a file that waits."""
    village = tree.unit(tree.villages[0])
    campaign = make.campaign(tree.unit(tree.county), "妇女之家建设")
    world.ids["issued"] = campaign.id
    for state in State:
        task = make.task(campaign, f"第{int(state)}项")
        made = make.assignment(task, village, state)
        world.ids[state.name], world.ids[f"task {state.name}"] = made.id, task.id
        world.ids[f"batch {state.name}"] = made.batch_id
    draft = make.campaign(tree.unit(tree.county), "尚未下达", status=CampaignStatus.DRAFT)
    world.ids["draft"], world.ids["task draft"] = draft.id, make.task(draft, "草稿中的事项").id
    with unit_of_work() as session:
        for name, plan in (("occasion", campaign), ("draft occasion", draft)):
            session.add(occasion := Occasion(campaign_id=plan.id, position=1, name="党代会", happens_on=make.TODAY))
            session.flush()
            world.ids[name] = occasion.id
    officer = make.actor(db.session.get_one(Person, world.ids["officer of the unit"]))
    stored = world.app.extensions["evidence"].put(io.BytesIO(picture()), name="挂牌.jpg")
    with unit_of_work() as session:
        world.ids["evidence"] = keep_evidence(
            world.ids[State.ACKNOWLEDGED.name], stored, "挂牌.jpg", actor=officer, now=make.NOW
        )
        last = session.scalar(select(func.max(Event.id)))
        told = {"person_id": officer.person_id, "event_id": last, "created_at": make.NOW}
        notice = Notice(tag="assignment:clock:remind", **told)
        session.add(notice)
        session.flush()
        world.ids["delivery"] = _delivery(notice.id, officer.person_id)
    world.ids["post"] = officer.posts[0].id
    folder = world.app.config["SETTINGS"].data_path / "imports"
    owner = world.ids["administrator inside"]
    with unit_of_work() as session:
        session.add(own := Calendar(area_id=tree.county.id, name=tree.county.name, known_until=make.TODAY))
        session.flush()
        world.ids["calendar"] = own.id
    world.token = keep_table(folder, io.BytesIO(b"login,name,unit,role\n"), owner=owner, now=make.NOW)


def _recurring(world: World, tree: make.SmallTree) -> None:
    """A task that came round for the village alone."""
    campaign = make.campaign(tree.unit(tree.county), "每周活动")
    village, fields = tree.unit(tree.villages[0]), {"rrule": "FREQ=WEEKLY;BYDAY=FR", "due_kind": DueKind.NONE}
    task = make.task(campaign, "每周报送", units=[village], lines=[], due_on=None, window_days=4, **fields)
    with unit_of_work():
        send(task.id, actor=SYSTEM, now=make.NOW)
    world.ids |= {"recurring": campaign.id, "recurring task": task.id}


def _delivery(notice_id: int, person_id: int) -> int:
    row = Delivery(
        notice_id=notice_id, channel=Channel.MAIL, person_id=person_id, state=DeliveryState.PARKED,
        next_try_at=make.NOW, tries=9, error="550",
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row.id


def _elsewhere(world: World) -> None:
    """The same things in the other county, so that everybody has something that is none of theirs."""
    issuer = db.session.get_one(make.Unit, world.units[OTHER, W])
    village = db.session.get_one(make.Unit, world.units[f"{OTHER}/t0/v0", W])
    make.holder(village, Role.OFFICER)
    campaign = make.campaign(issuer, "白石县的活动")
    made = make.assignment(make.task(campaign, "白石县的事项"), village, State.SUBMITTED)
    draft = make.campaign(issuer, "白石县的草稿", status=CampaignStatus.DRAFT)
    world.ids |= {"foreign": made.id, "foreign issued": campaign.id, "foreign draft": draft.id}
    world.ids["foreign task"] = db.session.get_one(Task, made.task_id).id
    make.post(gone := make.person(), issuer, valid_to=make.TODAY - timedelta(days=9))
    world.ids["who left another county"] = gone.id
    world.ids["foreign draft task"] = make.task(draft).id
    world.ids["foreign batch"] = db.session.get_one(Assignment, made.id).batch_id
