"""A figure, its goal and its verdict; and how a ratio is taken: limit, product, limit, the median of the rounds."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Act = Callable[[], object]
Prepare = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One line of the table. `goal`: at most this; None where the figure is only reported."""

    database: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is reached."""
        if self.goal is None:
            return "reported"
        return "reached" if self.value <= self.goal else "MISSED"


@dataclass(frozen=True)
class Pair:
    """Medians in seconds of the limit and the product, and the median of their ratios round by round."""

    limit: float
    product: float
    ratio: float

    @property
    def detail(self) -> str:
        """Both in milliseconds."""
        return f"{self.product * 1e3:,.2f} ms against {self.limit * 1e3:,.2f} ms"


def timed(act: Act) -> float:
    """How many seconds it takes, without a collection of garbage in between."""
    gc.collect()
    gc.disable()
    started = perf_counter()
    act()
    elapsed = perf_counter() - started
    gc.enable()
    return elapsed


def against(limit: Act, product: Act, *, rounds: int, before: Prepare = lambda: None, warm: bool = True) -> Pair:
    """Limit, product, limit in every round, each after `before`. `warm`: a first round fills caches, uncounted."""
    limits, products, ratios = [], [], []
    for number in range(0 if warm else 1, rounds + 1):
        taken = []
        for act in (limit, product, limit):
            before()
            taken.append(timed(act))
        if number:
            limits += [taken[0], taken[2]]
            products.append(taken[1])
            ratios.append(2 * taken[1] / (taken[0] + taken[2]))
    return Pair(median(limits), median(products), median(ratios))


def table(figures: list[Figure]) -> str:
    """All figures, one line each."""
    head = ("database", "figure", "value", "goal", "verdict", "product against limit, or what it is made of")
    rows = [head]
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.goal:g} {figure.unit}"
        rows.append((
            figure.database, figure.what, f"{figure.value:,.2f} {figure.unit}", goal, figure.verdict, figure.detail,
        ))  # fmt: skip
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
