"""The pages of officer, supervisor and dispatcher, through the front door, at a million open assignments."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from campaign import clock
from campaign.db import db

from . import country
from .figures import Figure, timed
from .stages import Raw, Stage
from .world import BUSY, sign_in

STATEMENTS_GOAL, PREVIEW_GOAL, DEEP_GOAL = 8, 10, 2.0
DISPATCHER, REVIEWER = 11, 13  # of the nation; of the first city, where a whole city waits


def signed_in(stage: Stage, person_id: int) -> FlaskClient:
    """A browser with a session of that person."""
    with stage.app.app_context():
        secret = sign_in(person_id, clock.now())
        db.session.remove()
    client = stage.app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = secret, True
    return client


def measure(stage: Stage, shape: Sequence[int], *, times: int) -> Iterator[Figure]:
    """Every page at its start and, where it goes on, deep in it."""
    with stage.raw() as raw:
        deep = _deep_places(raw, shape)
    officer, reviewer, dispatcher = (signed_in(stage, person) for person in (BUSY, REVIEWER, DISPATCHER))
    yield from _page(stage, "inbox", officer, "/", None, times)
    yield from _page(stage, "messages", officer, "/messages", f"/messages?before={deep['notice']}", times)
    yield from _page(stage, "queue", reviewer, "/reviews", f"/reviews?after={deep['review']}", times)
    yield from _page(stage, "board, nation", dispatcher, "/campaigns/1/board", None, times)
    township = "/campaigns/1/board?area=5"
    yield from _page(stage, "board, township", dispatcher, township, None, times)
    preview = "/campaigns/1/preview?task=4"  # two thirds of the nation's villages have it already
    yield from _page(stage, "preview of a dispatch, nation", dispatcher, preview, None, min(times, 5), PREVIEW_GOAL)
    search = "/campaigns/1/board?q=村"
    yield from _page(stage, "board, search", dispatcher, search, f"{search}&after={deep['area']}", times)


def _deep_places(raw: Raw, shape: Sequence[int]) -> dict[str, str]:
    """The keys of pages near the end of each list."""
    notice = "SELECT min(id) + 100 FROM notice WHERE person_id = :busy"
    review = (
        "SELECT review_due_at, id FROM assignment WHERE reviewer_unit_id = 3 "
        "ORDER BY review_due_at DESC, id DESC LIMIT 1 OFFSET 100"
    )
    due, id = raw.run(review).fetchone()
    return {
        "notice": f"{raw.run(notice, busy=BUSY).fetchone()[0]}.0",
        "review": f"{due}-{id}",
        "area": str(country.sizes(shape)[0] - 150),
    }


def _page(
    stage: Stage, name: str, client: FlaskClient, first: str, deep: str | None, times: int, goal: int = STATEMENTS_GOAL
) -> Iterator[Figure]:
    asked = count(stage, client, first)
    pairs = [(timed(visit(client, first)), timed(visit(client, deep or first))) for _ in range(times)]
    at_start = median(start for start, _far in pairs)
    yield Figure(stage.name, f"page: {name}", asked, "statements", goal, f"{at_start * 1e3:,.1f} ms")
    if deep is not None:
        ratio = median(far / start for start, far in pairs)
        detail = f"{median(far for _start, far in pairs) * 1e3:,.1f} ms deep, {count(stage, client, deep)} statements"
        yield Figure(stage.name, f"page: {name}, deep to first", ratio, "x", DEEP_GOAL, detail)


def visit(client: FlaskClient, path: str) -> Callable[[], None]:
    """A look at that page."""

    def look() -> None:
        answer = client.get(path)
        assert answer.status_code == 200, f"{path} answered {answer.status_code}"

    return look


def count(stage: Stage, client: FlaskClient, path: str) -> int:
    """How many statements the page asks, on the second look."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            ran.append(statement)

    look = visit(client, path)
    look()
    with stage.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    look()
    event.remove(engine, "before_cursor_execute", note)
    return len(ran)
