"""Single acts among a million: a sweep that finds nothing, a sweep that finds a thousand, one transition."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import perf_counter

from campaign.db import db, unit_of_work
from campaign.operations.issuing import cancel
from campaign.operations.sweeping import anything_due, fire
from campaign.rules.ladder import Sweep

from . import limits
from .country import EVERY
from .figures import Figure, Pair, against
from .stages import Raw, Stage
from .world import NOW, SOON_DUE, World, dispatcher

SWEEP_GOAL_MS, FLAT_GOAL, CLAIM_GOAL, MOVE_GOAL = 1.0, 1.2, 1.5, 1.5


def sweep_nothing(stage: Stage, raw: Raw, *, times: int) -> Pair:
    """A sweep of the reminders with nothing due: as the job does, a look first."""

    def product() -> None:
        assert not anything_due(Sweep.REMIND, now=NOW)

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


def claim(stage: Stage, raw: Raw, world: World, each: int, *, rounds: int) -> Iterator[Figure]:
    """Each run meets a set of its own that has just fallen due; a run of the clock claims chunk by chunk."""
    moments = iter(world.due[each])
    limits.lead_by_timers(raw)

    def product() -> None:
        assert sweep(next(moments)) == each

    with stage.app.app_context():
        pair = against(lambda: limits.fire(raw, now=next(moments), due=SOON_DUE), product, rounds=rounds)
        db.session.remove()
    what = f"sweep, claiming {each:,} due of {world.open:,}"
    yield Figure(stage.name, what, pair.ratio, "x", CLAIM_GOAL, pair.detail)


def sweep(now: datetime) -> int:
    """Fires all that is due, as the job does; how many rungs."""
    total = 0
    while anything_due(Sweep.REMIND, now=now):
        with unit_of_work():
            total += fire(Sweep.REMIND, now=now).fired
    return total


def several(stage: Stage, world: World, each: int) -> Iterator[Figure]:
    """Two workers at the same set: what each of them fired adds up to the set, and nothing was claimed twice."""
    moment = world.due[each][-1]

    def work(_: int) -> int:
        with stage.app.app_context():
            fired = sweep(moment)
            db.session.remove()
        return fired

    started = perf_counter()
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(work, range(2)))
    taken = perf_counter() - started
    assert sum(parts) == each, parts
    detail = f"{parts[0]:,} and {parts[1]:,} by two workers"
    yield Figure(stage.name, f"sweep, {each:,} due, two workers", taken * 1e3, "ms", detail=detail)


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
