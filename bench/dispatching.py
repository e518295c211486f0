"""Dispatch: the product's one verb against the statements that it cannot do without."""

from collections.abc import Iterator, Sequence

from campaign.db import db, unit_of_work
from campaign.operations import issuing

from . import country, limits
from .figures import Figure, against
from .stages import Stage
from .world import DUE, NOW, dispatcher, stretch

GOAL = 1.5


def by_product(stage: Stage, task: int) -> int:
    """One dispatch in one unit of work; how many assignments it made."""
    with stage.app.app_context():
        actor = dispatcher(task)
        with unit_of_work():
            done = issuing.dispatch(task, actor=actor, now=NOW)
        db.session.remove()
    return done.items


def measure(stage: Stage, shape: Sequence[int], *, rounds: int) -> Iterator[Figure]:
    """To the units of a city, of a province and of the nation, each time on a database without work."""
    for issuer in (country.CITY, country.PROVINCE, country.NATION):
        part = stretch(shape, issuer)

        def limit(part: limits.Stretch = part) -> None:
            with stage.raw() as raw:
                limits.dispatch(raw, part, now=NOW, due=DUE)

        def product(part: limits.Stretch = part) -> None:
            assert by_product(stage, part.task) == part.items

        pair = against(limit, product, rounds=rounds, before=stage.reset, warm=issuer == country.CITY)
        yield Figure(stage.name, f"dispatch to {part.items:,} units", pair.ratio, "x", GOAL, pair.detail)
