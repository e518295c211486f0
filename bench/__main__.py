"""`make bench`: every figure beside the limit taken in the same run. docs/benchmark.md tells how to read it."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import acting, beside, bulk, country, dispatching, moving, pages, rollups, world
from .figures import Figure, table
from .stages import STAGES, Stage, stage


@dataclass(frozen=True)
class Plan:
    """How large and how often."""

    shape: Sequence[int]
    few: int
    many: int
    due: dict[int, int]  # how many rounds for each number of due assignments
    moves: int
    rounds: int
    times: int


WHOLE = Plan(country.LARGE, few=10_000, many=1_000_000, due={1_000: 5, 10_000: 2}, moves=100, rounds=5, times=15)
QUICK = Plan(country.SMALL, few=400, many=14_000, due={20: 2, 200: 1}, moves=20, rounds=2, times=3)


def measure(on: Stage, plan: Plan) -> Iterator[Figure]:
    """All figures on one database."""
    yield from dispatching.measure(on, plan.shape, rounds=plan.rounds)
    yield from beside.measure(on)
    yield from moving.measure(on, plan.shape, rounds=plan.rounds)
    yield from bulk.measure(on, rounds=plan.rounds)
    on.reset()
    dispatching.by_product(on, country.CITY)
    with on.raw() as raw:
        small = acting.sweep_nothing(on, raw, times=plan.times)
    on.reset()
    sets = {each: (rounds + 1) * 3 for each, rounds in plan.due.items()}
    sets[max(sets)] += 1  # for the two workers
    filled = world.fill(on, plan.shape, many=plan.many, due_sets=sets)
    with on.raw() as raw:
        large = acting.sweep_nothing(on, raw, times=plan.times)
        yield from acting.nothing_due(on, [(plan.few, small), (filled.open, large)])
        for each, rounds in plan.due.items():
            yield from acting.claim(on, raw, filled, each, rounds=rounds)
    yield from acting.several(on, filled, max(plan.due))
    with on.raw(repeated=True) as raw:
        yield from acting.transition(on, raw, rounds=plan.rounds, moves=plan.moves)
    world.submit_a_city(on, plan.shape)
    yield from pages.measure(on, plan.shape, times=plan.times)
    yield from rollups.measure(on, plan.shape, times=plan.times, moves=plan.moves * 4)


def main() -> None:
    """Measures, prints the table; the verdicts are for the reader, not for the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, less than a minute; the figures mean little")
    parser.add_argument("--database", choices=[*STAGES, "both"], default="both")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    plan = QUICK if asked.quick else WHOLE
    figures: list[Figure] = []
    started = time.perf_counter()
    for kind in STAGES if asked.database == "both" else [asked.database]:
        with stage(kind, plan.shape) as on:
            for figure in measure(on, plan):
                print(f"{time.perf_counter() - started:5.0f} s  {figure.database}: {figure.what}", file=sys.stderr)
                figures.append(figure)
    print(table(figures))
    if asked.json is not None:
        rows = [asdict(figure) | {"verdict": figure.verdict} for figure in figures]
        asked.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
