"""Who may do what: every address of the product × method × actor × object × state, held against a model of its own.

The model is `matrix.Who`: twenty lines over paths of places. What is outside somebody's scope must answer exactly as
what does not exist.
"""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign import clock
from campaign.rules.organisation import Role
from campaign.rules.states import CLOSED, OPEN, WORKING, State
from tests import make
from tests.evidence.hostile import picture

from .matrix import ACTORS, ANONYMOUS, COUNTY, LENT, NOBODY, OTHER, STAFF, TOWN, Thing, W, Who, World, build
from .matrix_archives import archives
from .matrix_boards import boards
from .matrix_calendars import calendars
from .matrix_cascade import cascade
from .matrix_case import MISSING, Case, Expect, anybody, role, thing_of
from .matrix_dates import dates
from .matrix_kinds import kinds
from .matrix_ladders import ladders_and_questions
from .matrix_periods import periods
from .matrix_requests import requests
from .matrix_reviewing import rechecks, reviewing
from .matrix_standing import all_of_it as standing_in
from .matrix_telling import telling
from .matrix_uploads import begin, uploads

# Rules that the table leaves out, each with its reason.
EXCLUDED: dict[str, str] = {}
SHARES = 4  # tests that ask a part of the table each, side by side
DESK = (Role.SUPERVISOR, Role.DISPATCHER, Role.AUDITOR, Role.ADMINISTRATOR)
DRAFT, ISSUED = Thing(draft=True, received=False), Thing()
ELSEWHERE = Thing(place=f"{OTHER}/t0/v0", issuer=(OTHER, W), waits_at=(f"{OTHER}/t0", W), state=State.SUBMITTED)
ELSEWHERE_DRAFT = Thing(place=OTHER, issuer=(OTHER, W), draft=True, received=False)


# -- the table ---------------------------------------------------------------------------------------------------------


def table(world: World) -> list[Case]:
    """Every case of the matrix."""
    return [*everybody(), *assignments(world), *reviews(world), *evidence(world), *campaigns(world), *tasks(world),
            *administration(world), *calendars(world), *accounts(world), *telling(world),
            *periods(world), *dates(world), *standing_in(world), *ladders_and_questions(world), *cascade(world),
            *boards(world), *uploads(world), *reviewing(world), *rechecks(world), *kinds(world),
            *requests(world), *archives(world)]  # fmt: skip


def everybody() -> Iterator[Case]:
    """What needs no object. Cases of endpoints that are open to strangers say what those get in `STRANGERS`."""
    yield Case("static", anybody, {"filename": "tokens.css"})
    for name in ("healthz", "readyz", "metrics", "styleguide"):
        yield Case(f"system.{name}", anybody)
    yield Case("door.sign_in", lambda who: 200 if who.outside else 303)
    yield Case("door.sign_in", lambda _who: 422, method="POST")
    yield Case("door.sign_out", lambda _who: 303, method="POST")
    yield Case("door.language", lambda _who: 303, {"code": "en"}, "POST")
    yield Case("door.password", anybody)
    yield Case("door.password", lambda _who: 422, method="POST")
    yield Case("inbox.home", lambda who: 200 if who.has(Role.OFFICER) else 303)
    for name in ("inbox.messages", "inbox.me", "assignments.index", "campaigns.index"):
        yield Case(name, anybody)
    yield Case("inbox.read", lambda _who: 303, method="POST")
    yield Case("assignments.export", anybody, {"kind": "csv"})
    yield Case("campaigns.export", anybody, {"kind": "csv"})
    yield Case("reviews.queue", role(Role.SUPERVISOR))
    for name in ("campaigns.new", "campaigns.load"):
        yield Case(name, role(Role.DISPATCHER))
        yield Case(name, role(Role.DISPATCHER, wins=422), method="POST")


def found(thing: Thing, act: Expect = anybody) -> Expect:
    """404 for whom it does not exist, what `act` says for the others."""
    return lambda who: act(who) if who.sees(thing) else 404


def party(thing: Thing, belongs: Callable[[Who, Thing], bool], possible: bool, wins: int = 303) -> Expect:
    """An action of the table of transitions: impossible for all in the wrong state, forbidden to all but its party."""
    return found(thing, lambda who: 409 if not possible else wins if belongs(who, thing) else 403)


def report(thing: Thing, states: tuple[State, ...], wins: int = 303) -> Expect:
    """What only the officer may do, in some states."""
    return found(thing, lambda who: 403 if not who.reports(thing) else wins if thing.state in states else 409)


def assignments(world: World) -> Iterator[Case]:
    """An assignment in each state, and one of another county."""
    asked = [(world.ids[state.name], thing_of(state)) for state in State] + [(world.ids["foreign"], ELSEWHERE)]
    for id, thing in asked:
        state, reports = thing.state, Who.reports
        reported = state in (State.SUBMITTED, State.RETURNED, State.APPROVED)
        seen = {"seen": "1", "words": "已完成。", "note": "在做。", "reason": "因故", "kind": "1"}
        given = {"values": {"id": id}, "twin": {"id": MISSING}, "label": f"{state} {thing.place}"}
        yield Case("assignments.show", found(thing), **given)
        yield Case("assignments.receipt", found(thing, lambda _who, ok=reported: 200 if ok else 404), **given)
        yield Case("ledger.show", found(thing), **given)
        yield Case("ledger.export", found(thing), **given | {"values": {"id": id, "kind": "csv"},
                                                            "twin": {"id": MISSING, "kind": "csv"}})  # fmt: skip
        post = given | {"method": "POST", "data": seen}
        yield Case("assignments.acknowledge", party(thing, reports, state is State.ISSUED), **post)
        yield Case("assignments.submit", party(thing, reports, state in WORKING), **post)
        yield Case("assignments.withdraw", party(thing, reports, state is State.SUBMITTED), **post)
        yield Case("assignments.check_in", report(thing, WORKING), **post)
        yield Case("assignments.draft", report(thing, (State.ISSUED, *WORKING)), **post)
        yield Case(
            "assignments.upload", report(thing, (State.ISSUED, *WORKING), 201), **post | {"data": {"file": "photo"}}
        )
        yield Case("ledger.reopen", party(thing, Who.issues, state in (State.APPROVED, State.NOT_APPLICABLE)), **post)
        yield Case("ledger.cancel", party(thing, Who.issues, state in OPEN), **post)
        assert (state in OPEN) != (state in CLOSED)


def reviews(world: World) -> Iterator[Case]:
    """The same assignments for those who decide; people who only report find no such pages at all."""

    def desk(act: Expect) -> Expect:
        return lambda who: act(who) if who.has(*DESK) else 403

    asked = [(world.ids[state.name], thing_of(state)) for state in State] + [(world.ids["foreign"], ELSEWHERE)]
    for id, thing in asked:
        reported = thing.state in (State.SUBMITTED, State.RETURNED, State.APPROVED)
        given = {"values": {"id": id}, "twin": {"id": MISSING}, "label": f"{thing.state} {thing.place}"}
        yield Case("reviews.show", desk(found(thing, lambda _who, ok=reported: 200 if ok else 303)), **given)
        decide = party(thing, Who.reviews, thing.state is State.SUBMITTED)
        post = given | {"method": "POST", "data": {"seen": "1", "reason": "9", "words": "请补充。"}}
        yield Case("reviews.approve", desk(decide), **post)
        yield Case("reviews.return_", desk(decide), **post)


def evidence(world: World) -> Iterator[Case]:
    thing = thing_of(State.ACKNOWLEDGED)
    for name in ("evidence.show", "evidence.thumb"):
        yield Case(name, found(thing), {"id": world.ids["evidence"]}, twin={"id": MISSING})


def campaign(thing: Thing, act: Expect = anybody) -> Expect:
    return lambda who: act(who) if who.sees_campaign(thing) else 404


def writer(thing: Thing, wins: int) -> Expect:
    """Who writes a draft; what is issued is written no more."""
    return campaign(thing, lambda who: (wins if thing.draft else 409) if who.issues(thing) else 403)


def issuer(thing: Thing, wins: int) -> Expect:
    """Pages that exist for the dispatchers of the issuing unit alone."""
    return lambda who: wins if who.issues(thing) else 404


CAMPAIGNS = (("issued", ISSUED), ("draft", DRAFT), ("foreign issued", ELSEWHERE), ("foreign draft", ELSEWHERE_DRAFT))


def campaigns(world: World) -> Iterator[Case]:
    for name, thing in CAMPAIGNS:
        given = {"values": {"id": world.ids[name]}, "twin": {"id": MISSING}, "label": name}
        post = given | {"method": "POST"}
        yield Case("campaigns.show", campaign(thing), **given)
        yield Case("campaigns.edit", writer(thing, 200), **given)
        yield Case("campaigns.edit", writer(thing, 422), **post)
        may = campaign(thing, lambda who, it=thing: (303 if it.draft else 409) if who.issues(it) else 403)
        yield Case("campaigns.issue", may, **post | {"data": {"seen": "1"}})
        yield Case("campaigns.preview", issuer(thing, 200), **given)
        task = {"issued": "task ISSUED", "foreign issued": "foreign task", "draft": "task draft",
                "foreign draft": "foreign draft task"}[name]  # fmt: skip
        sent = {"data": {"task_id": str(world.ids[task])}}
        yield Case("campaigns.dispatch", issuer(thing, 409 if thing.draft else 303), **post | sent)
        yield Case("board.show", campaign(thing), **given)
        export = {"values": {"id": world.ids[name], "kind": "csv"}, "twin": {"id": MISSING, "kind": "csv"}}
        yield Case("board.export", campaign(thing), **given | export)
        for page in ("slowest", "figures"):
            yield Case(f"board.{page}", campaign(thing), **given)
            yield Case(f"board.{page}_export", campaign(thing), **given | export)
    for name, batch, thing in (("issued", "batch ISSUED", ISSUED), ("foreign issued", "foreign batch", ELSEWHERE)):
        both = {"id": world.ids[name], "batch_id": world.ids[batch]}
        yield Case("campaigns.dispatched", issuer(thing, 200), both, twin={"id": MISSING, "batch_id": MISSING})


def tasks(world: World) -> Iterator[Case]:
    named = {"issued": "task ISSUED", "draft": "task draft", "foreign issued": "foreign task",
             "foreign draft": "foreign draft task"}  # fmt: skip
    for name, thing in CAMPAIGNS:
        id, task = world.ids[name], world.ids[named[name]]
        given = {"values": {"id": id}, "twin": {"id": MISSING}, "label": name}
        yield Case("campaigns.task_new", writer(thing, 200), **given)
        yield Case("campaigns.task_new", writer(thing, 422), **given | {"method": "POST"})
        both = given | {"values": {"id": id, "task_id": task}, "twin": {"id": MISSING, "task_id": MISSING}}
        yield Case("campaigns.task_edit", writer(thing, 200), **both)
        yield Case("campaigns.task_edit", writer(thing, 422), **both | {"method": "POST"})
        yield Case("campaigns.task_delete", writer(thing, 303), **both | {"method": "POST", "data": {"seen": "1"}})
    mixed = {"id": world.ids["draft"], "task_id": world.ids["foreign draft task"]}
    nobody = campaign(DRAFT, lambda who: 404 if who.issues(DRAFT) else 403)
    twin = {"id": world.ids["draft"], "task_id": MISSING}
    yield Case("campaigns.task_edit", nobody, mixed, twin=twin, label="of another campaign")
    yield Case("campaigns.task_delete", nobody, mixed, "POST", {"seen": "1"}, twin, "of another campaign")


ADMIN_PAGES = (
    "index", "areas", "people", "person_new", "import_areas", "import_people", "jobs", "deliveries", "log",
    "log_verification",
)  # fmt: skip


def administration(world: World) -> Iterator[Case]:
    """What needs no object there; files that wait for their confirmation are their sender's alone."""
    read, change = (Role.ADMINISTRATOR, Role.AUDITOR), Role.ADMINISTRATOR
    for name in ADMIN_PAGES:
        yield Case(f"admin.{name}", role(*read))
    for name in ("areas_export", "people_export", "log_export", "jobs_export", "deliveries_export"):
        yield Case(f"admin.{name}", role(*read), {"kind": "csv"})
    yield Case("admin.import_sample", role(*read), {"what": "people"})
    for name in ("person_new", "import_areas", "import_people"):
        yield Case(f"admin.{name}", role(change, wins=422), method="POST")
    yield Case("admin.import_passwords", role(change), method="POST", data={"list": "[]"})
    for name in ("import_areas_confirm", "import_people_confirm"):
        own = 303 if "people" in name else 422  # the table that waits is one of people

        def confirms(who: Who, own: int = own) -> int:
            return (own if who.name == "administrator inside" else 409) if who.has(change) else 403

        yield Case(f"admin.{name}", confirms, method="POST", data={"file": world.token, "name": "a.csv"})


PEOPLE = (
    ("officer of the unit", Thing()), ("dispatcher of another county", Thing(place=OTHER)),
    ("who left another county", Thing(place=OTHER)),
)  # fmt: skip


def accounts(world: World) -> Iterator[Case]:
    """People, their posts and what is delivered to them."""

    def reached(thing: Thing, read: bool, wins: int) -> Expect:
        roles = (Role.ADMINISTRATOR, Role.AUDITOR) if read else (Role.ADMINISTRATOR,)
        return lambda who: (wins if who.oversees(thing) else 404) if who.has(*roles) else 403

    for name, thing in PEOPLE:
        given = {"values": {"id": world.ids[name]}, "twin": {"id": MISSING}, "label": name}
        post = given | {"method": "POST"}
        yield Case("admin.person", reached(thing, True, 200), **given)
        yield Case("admin.person_disable", reached(thing, False, 303), **post)
        yield Case("admin.person_enable", reached(thing, False, 303), **post)
        yield Case("admin.person_password", reached(thing, False, 200), **post)
        yield Case("admin.post_add", reached(thing, False, 422), **post)
        for place in (TOWN, COUNTY, OTHER):  # a unit that is the administrator's own brings no foreign person nearer
            unit = Thing(place=place)
            fields = {"unit": world.names[place, W], "role": "5", "valid_from": "2026-11-20"}

            def adds(who: Who, whom: Thing = thing, unit: Thing = unit) -> int:
                reach = reached(whom, False, 303 if who.oversees(unit) else 422)
                return reach(who)

            yield Case("admin.post_add", adds, **post | {"data": fields, "label": f"{name} in {place}"})
    ends = {"id": world.ids["officer of the unit"], "post_id": world.ids["post"]}
    yield Case("admin.post_end", reached(Thing(), False, 303), ends, "POST", twin={"id": MISSING, "post_id": MISSING})
    other = ends | {"id": world.ids["dispatcher of another county"]}
    never = role(Role.ADMINISTRATOR, wins=404)
    yield Case("admin.post_end", never, other, "POST", twin=other | {"post_id": MISSING}, label="of another")
    sent = {"id": world.ids["delivery"]}
    yield Case("admin.resend", reached(Thing(), False, 303), sent, "POST", twin={"id": MISSING})


PUBLIC = ("static", "door.sign_in", "door.sign_out", "door.language", "system.", "feed.calendar")


def expected(case: Case, who: Who) -> int:
    """Strangers are led to the door, whatever they ask for."""
    if who.outside and not case.endpoint.startswith(PUBLIC):
        return 303 if case.method == "GET" else 401
    return case.expect(who)


# -- asking ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(app, monkeypatch, client_class):
    monkeypatch.setattr(clock, "now", lambda: make.NOW)
    app.config["WTF_CSRF_ENABLED"] = False  # the views themselves are asked
    app.test_client_class = client_class
    made = build(app)
    begin(made)
    made.keep()
    return made


def ask(world: World, case: Case, name: str, values: dict[str, Any]) -> tuple[int, bytes, str]:
    """Status, body without what differs by chance, and where it leads."""
    with world.app.test_request_context():
        path = world.app.url_for(case.endpoint, **values)
    data = dict(case.data)
    if data.get("file") == "photo":
        data["file"] = (io.BytesIO(picture("PNG", (9, 9))), "新.png")
    answer = world.clients[name].open(path, method=case.method, data=data or None, buffered=True)
    body = answer.data.replace(path.encode(), b"PATH")
    body = re.sub(rb'name="csrf_token"[^>]*|[0-9a-f-]{36}', b"", body)
    if case.method == "POST" and answer.status_code < 400 and not case.endpoint.startswith("door."):
        world.restore()
        with world.clients[name].session_transaction() as cookie:
            cookie.pop("_flashes", None)  # it would stand on the next page
    return answer.status_code, body, answer.location or ""


def sign_outs_last(case: Case) -> bool:
    return case.endpoint == "door.sign_out"


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_every_cell(world, share):
    wrong, cells = [], 0
    absent: dict[tuple[str, ...], tuple[int, bytes, str]] = {}
    for case in sorted(table(world)[share::SHARES], key=sign_outs_last):
        for name in ACTORS:
            who, cells = Who(name), cells + 1
            answer = ask(world, case, name, case.values)
            if answer[0] != expected(case, who):
                wrong.append(f"{case} by {name}: {answer[0]}, not {expected(case, who)}")
            if answer[0] != 404 or case.twin is None or not hides(case, who):
                continue
            key = (case.endpoint, case.method, str(case.data), str(case.twin), name)  # what does not exist has no state
            if key not in absent:
                absent[key] = ask(world, case, name, case.twin)
            if answer != absent[key]:
                wrong.append(f"{case} by {name}: not the same as what does not exist ({absent[key][0]})")
    assert cells > 2_000 / SHARES
    assert not wrong, f"{len(wrong)} of {cells} cells:\n" + "\n".join(wrong)


def hides(case: Case, who: Who) -> bool:
    """Whether the thing itself is hidden; a receipt of what was not submitted may say so."""
    return case.endpoint != "assignments.receipt" or not who.sees(Thing())


def test_every_rule_is_in_the_table_or_excluded_with_a_reason(world):
    asked = {(case.endpoint, case.method) for case in table(world)}
    known = {
        (rule.endpoint, method)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert known - asked - {(name, method) for name in EXCLUDED for method in ("GET", "POST")} == set()
    assert asked <= known
    assert set(EXCLUDED) <= {endpoint for endpoint, _method in known}


def test_the_model_is_small_and_knows_both_answers():
    """A model that lets everybody in, or nobody, would prove nothing."""
    thing = thing_of(State.SUBMITTED)
    assert {name for name in STAFF if Who(name).reviews(thing)} == {"supervisor at the waiting level", *LENT}
    assert {name for name in STAFF if Who(name).reports(thing)} == {"officer of the unit"}
    assert {name for name in STAFF if Who(name).issues(thing)} == {"dispatcher of the issuing unit"}
    assert not Who(NOBODY).sees(thing)
    assert not Who(ANONYMOUS).sees(thing)
    assert Path(__file__).with_name("matrix.py").read_text().count("scope import") == 0
