"""Single acts among a million: a sweep that finds nothing, a sweep that finds a thousand, one transition."""

from collections.abc import Iterator, Sequence

from campaign.db import db, unit_of_work
from campaign.operations.issuing import cancel
from campaign.operations.sweeping import fire
from campaign.rules.ladder import Sweep

from . import limits
from .country import EVERY
from .figures import Figure, Pair, against
from .stages import Raw, Stage
from .world import NOW, SOON_DUE, World, dispatcher

SWEEP_GOAL_MS, FLAT_GOAL, CLAIM_GOAL, MOVE_GOAL = 2.0, 1.2, 2.0, 2.5


def sweep_nothing(stage: Stage, raw: Raw, *, times: int) -> Pair:
    """A sweep of the reminders with nothing due."""

    def product() -> None:
        with unit_of_work():
            assert not fire(Sweep.REMIND, now=NOW).claimed

    with stage.app.app_context():
        pair = against(lambda: limits.look_for_due(raw, now=NOW), product, rounds=times)
        db.session.remove()
    return pair


def nothing_due(stage: Stage, pairs: Sequence[tuple[int, Pair]]) -> Iterator[Figure]:
    """What sweeps with nothing due cost at each number of open assignments, and how it grows."""
    for many, pair in pairs:
        what = f"sweep, nothing due of {many:,}"
        yield Figure(stage.name, what, pair.product * 1e3, "ms", SWEEP_GOAL_MS, pair.detail)
    (few, small), (many, large) = pairs
    grown = large.product / small.product
    yield Figure(stage.name, f"the same, {many:,} to {few:,}", grown, "x", FLAT_GOAL)


def claim(stage: Stage, raw: Raw, world: World, *, rounds: int) -> Iterator[Figure]:
    """Each run meets a set of its own that has just fallen due."""
    moments = iter(world.due)
    limits.lead_by_timers(raw)

    def product() -> None:
        with unit_of_work():
            assert fire(Sweep.REMIND, now=next(moments), limit=world.each).fired == world.each

    with stage.app.app_context():
        pair = against(lambda: limits.fire(raw, now=next(moments), due=SOON_DUE), product, rounds=rounds)
        db.session.remove()
    what = f"sweep, claiming {world.each:,} due of {world.open:,}"
    yield Figure(stage.name, what, pair.ratio, "x", CLAIM_GOAL, pair.detail)


def transition(stage: Stage, raw: Raw, *, rounds: int, moves: int) -> Iterator[Figure]:
    """Cancelling, which leaves one event, one notice and one delta; so many are timed together, a commit for each."""
    found = raw.run(
        "SELECT a.id, p.person_id FROM assignment AS a JOIN post AS p ON p.unit_id = a.unit_id AND p.role = 1 "
        "WHERE a.task_id = 1 AND a.state = 1 AND p.person_id <> 6 AND a.unit_id % :every = 0 "
        "ORDER BY a.id DESC LIMIT :many",
        every=EVERY, many=(rounds + 1) * 3 * moves,
    ).fetchall()  # fmt: skip
    rows = iter(found)

    def limit() -> None:
        for _ in range(moves):
            limits.cancel(raw, *next(rows), now=NOW)

    def product() -> None:
        for _ in range(moves):
            with unit_of_work():
                cancel(next(rows)[0], actor=actor, now=NOW, seen=1, reason="重复下达")
            db.session.remove()

    with stage.app.app_context():
        actor = dispatcher(1)
        db.session.remove()
        pair = against(limit, product, rounds=rounds)
    each = Pair(pair.limit / moves, pair.product / moves, pair.ratio)
    yield Figure(stage.name, "one transition, written down", each.ratio, "x", MOVE_GOAL, each.detail)
