"""Pictures made on the server: pure functions from numbers and words to SVG that prints, scales and is read aloud.

No picture has a width of its own: places along the width are percentages and words keep their size, so the same
picture serves a phone, a desk and A4. Colours come from static/pictures.css by class; every part also differs by its
pattern or its stroke. `name` makes the ids of a page differ. What a picture says stands in its title and description,
and the page puts the table of its numbers behind it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

Number = int | float | Decimal

ROW = 58  # px: one step of a funnel, its words above its bar
BAR = 20
HEIGHT = 208  # px: the plot of a trend; static/pictures.css gives its box the same
NICE = tuple(Decimal(n) for n in ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10"))
GAP = Decimal("0.22")  # of a column: the white between two
HATCHED = {  # how a pattern is turned, and what repeats in it
    "pending": (
        Markup(' patternTransform="rotate(45)"'),
        Markup('<rect class="h-pending" width="6" height="6"/><circle class="h-pending-2" cx="3" cy="3" r="1.2"/>'),
    ),
    "returned": (
        Markup(' patternTransform="rotate(45)"'),
        Markup('<rect class="h-returned-2" width="6" height="6"/><path class="h-returned" d="M0 0h3v6H0z"/>'),
    ),
    "kept": (
        Markup(' patternTransform="rotate(-45)"'),
        Markup('<rect class="h-kept-2" width="6" height="6"/><path class="h-kept" d="M0 0h3v6H0z"/>'),
    ),
}


@dataclass(frozen=True)
class Step:
    """One step of a funnel: its word, how many came so far, and that in words."""

    word: str
    n: Number
    words: str
    kind: str = "given"


@dataclass(frozen=True)
class Column:
    """One column of a stack: parts from the bottom up as (kind, number); `label` where the axis names it."""

    parts: tuple[tuple[str, Number], ...]
    label: str = ""


@dataclass(frozen=True)
class Series:
    """One line of a trend: places along the width from 0 to 1, each with its number. `dots`: mark what is recorded."""

    kind: str
    points: tuple[tuple[float, Number], ...]
    dots: bool = False


def funnel(name: str, title: str, description: str, steps: Sequence[Step]) -> Markup:
    """Bars one below the other; behind each stands, pale, the one before it: what is lost shows."""
    most = max((step.n for step in steps), default=0)
    rows, before = [], most
    for place, step in enumerate(steps):
        top = place * ROW
        rows.append(
            Markup('<text class="pic-word" x="0" y="{}">{}</text>').format(top + 18, step.word)
            + Markup('<text class="pic-n" x="100%" y="{}" text-anchor="end">{}</text>').format(top + 18, step.words)
            + _bar("lost", 0, _share(before, most), top + 26)
            + _bar(step.kind, 0, _share(step.n, most), top + 26, name)
        )
        before = step.n
    body = Markup("").join(rows)
    return _picture(name, title, description, body, "pic-funnel", len(steps) * ROW)


def stack(name: str, title: str, description: str, columns: Sequence[Column], words: Callable[[Number], str]) -> Markup:
    """Columns of stacked parts over time, with its axis."""
    top = ceiling(max((sum(Decimal(n) for _kind, n in column.parts) for column in columns), default=Decimal(0)))
    width = Decimal(100) / max(len(columns), 1)
    drawn, labels = [], []
    for place, column in enumerate(columns):
        left, foot = width * place + width * GAP / 2, Decimal(0)
        for kind, n in column.parts:
            if n:
                share = Decimal(n) / top * 100
                drawn.append(_column_part(name, kind, (left, 100 - foot - share), (width * (1 - GAP), share)))
                foot += share
        if column.label:
            labels.append((float(width * place + width / 2), column.label))
    return _chart(name, title, description, _grid() + Markup("").join(drawn), top, labels, words)


def lines(
    name: str,
    title: str,
    description: str,
    series: Sequence[Series],
    labels: Sequence[tuple[float, str]],
    words: Callable[[Number], str],
) -> Markup:
    """Lines over time, with their axis. `labels`: places along the width from 0 to 1 and their words."""
    top = ceiling(max((Decimal(str(n)) for each in series for _x, n in each.points), default=Decimal(0)))
    drawn = [_grid()]
    for each in series:
        places = [(x * 100, float(100 - Decimal(str(n)) / top * 100)) for x, n in each.points]
        path = "".join(f"{'L' if at else 'M'}{_short(x * 10)} {_short(y * 10)}" for at, (x, y) in enumerate(places))
        drawn.append(
            Markup(
                '<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%" overflow="visible">'
                '<path class="line-{}" d="{}" vector-effect="non-scaling-stroke"/></svg>'
            ).format(each.kind, path)
        )
        if each.dots or len(places) == 1:
            dot = Markup('<circle class="dot-{}" cx="{}%" cy="{}%" r="3.5"/>')
            drawn += [dot.format(each.kind, _short(x), _short(y)) for x, y in places]
    placed = [(x * 100, word) for x, word in labels]
    return _chart(name, title, description, Markup("").join(drawn), top, placed, words)


def bullet(
    name: str, approved: Number, pending: Number, target: Number | None, expected: Number | None = None
) -> Markup:
    """One figure against its target in a row of a table: done, waiting, a short mark for what is expected by now and a
    tall one for the target. The row says it all in words, so this is silent."""
    full = max([Decimal(str(n)) for n in (Decimal(approved) + Decimal(pending), target, expected) if n] or [Decimal(1)])
    done, waits = _share(approved, full), _share(pending, full)
    parts = [Markup('<rect class="p-ground" width="100%" y="6" height="10"/>'), _bar("approved", 0, done, 6, height=10)]
    if waits:
        parts.append(_bar("pending", done, waits, 6, name, 10))
    if expected:
        parts.append(_mark("expected", _share(expected, full), 4, 18))
    if target is not None:
        parts.append(_mark("target", _share(target, full), 0, 22))
    return _silent(name, "pic-bullet", Markup("").join(parts), ("pending",) if waits else ())


def split(name: str, title: str, description: str, parts: Sequence[tuple[str, Number]]) -> Markup:
    """How a whole is divided, as one bar: parts are (kind, number), one after the other."""
    whole = sum((Decimal(str(n)) for _kind, n in parts), Decimal(0))
    left, drawn = 0.0, []
    for kind, n in parts:
        if n:
            share = _share(n, whole)
            drawn.append(_bar(kind, left, share, 0, name, 28))
            left += share
    return _picture(name, title, description, Markup("").join(drawn), "pic-split", 28)


def sample(kind: str) -> Markup:
    """How a part or a line of a picture looks, in small: for its key."""
    if kind in ("target", "expected", "actual"):
        drawn = Markup('<path class="line-{}" d="M0 6h24"/>').format("approved" if kind == "actual" else kind)
    elif kind.startswith("mark-"):
        drawn = Markup('<line class="{}" x1="12" x2="12" y1="0" y2="12"/>').format(kind)
    else:
        drawn = _patterns(f"key-{kind}", (kind,) if kind in HATCHED else ()) + Markup(
            '<rect class="p-{}" width="24" height="12" rx="2"{}/>'
        ).format(kind, _fill(f"key-{kind}", kind))
    return Markup('<svg class="drawn" width="24" height="12" aria-hidden="true">{}</svg>').format(drawn)


def ceiling(most: Number, steps: int = 4) -> Decimal:
    """The top of an axis of so many even steps: a round number, not below what is shown; whole things are not counted
    in parts."""
    whole = Decimal(str(most)) == Decimal(str(most)).to_integral_value()
    least = Decimal(str(most)) / steps
    if least <= 0:
        return Decimal(steps)
    scale = Decimal(1).scaleb(least.adjusted())
    found = (scale * nice for nice in NICE if scale * nice >= least)
    step = next((each for each in found if not whole or each == each.to_integral_value()), Decimal(1))
    return step * steps


def spaced(count: int, most: int) -> list[int]:
    """Which of so many places an axis names, the last one always: at most `most`, evenly apart."""
    if count <= 0:
        return []
    every = max(1, -(-count // most))
    return sorted(range(count - 1, -1, -every))


def _chart(
    name: str,
    title: str,
    description: str,
    body: Markup,
    top: Decimal,
    labels: Sequence[tuple[float, str]],
    words: Callable[[Number], str],
) -> Markup:
    """A plot with the words of its axes around it; those are silent, the description says what is to be seen."""
    ticks = [words(_plain(top * step / 4)) for step in (4, 3, 2, 1, 0)]
    axis = Markup("").join(Markup("<span>{}</span>").format(tick) for tick in ticks)
    under = Markup("").join(
        Markup('<text x="{}%" y="14" text-anchor="{}">{}</text>').format(_short(x), _anchor(x), word)
        for x, word in labels
    )
    plot = _picture(name, title, description, body, "pic-plot", HEIGHT)
    return (
        Markup('<div class="pic-chart"><div class="pic-y" aria-hidden="true">') + axis + Markup("</div>") + plot
        + Markup('<svg class="pic-x" aria-hidden="true">') + under + Markup("</svg></div>")
    )  # fmt: skip


def _anchor(x: float) -> str:
    """How a word stands to its place: at the edges it stays inside."""
    return "start" if x < 4 else "end" if x > 96 else "middle"


def _grid() -> Markup:
    rules = Markup("").join(
        Markup('<line class="pic-rule" x2="100%" y1="{0}%" y2="{0}%"/>').format(y) for y in (0, 25, 50, 75)
    )
    return rules + Markup('<line class="pic-base" x2="100%" y1="100%" y2="100%"/>')


def _column_part(name: str, kind: str, at: tuple[Decimal, Decimal], size: tuple[Decimal, Decimal]) -> Markup:
    return Markup('<rect class="p-{}" x="{}%" y="{}%" width="{}%" height="{}%"{}/>').format(
        kind, _short(at[0]), _short(at[1]), _short(size[0]), _short(size[1]), _fill(name, kind)
    )


def _bar(kind: str, left: float, share: float, top: int, name: str = "", height: int = BAR) -> Markup:
    """A lying bar; places and shares in percent of the width."""
    return Markup('<rect class="p-{}" x="{}%" y="{}" width="{}%" height="{}"{}/>').format(
        kind, _short(left), top, _short(share), height, _fill(name, kind) if name else ""
    )


def _mark(kind: str, at: float, top: int, foot: int) -> Markup:
    return Markup('<line class="mark-{}" x1="{x}%" x2="{x}%" y1="{}" y2="{}"/>').format(
        kind, top, foot, x=_short(min(max(at, 0.4), 99.6))
    )


def _fill(name: str, kind: str) -> Markup:
    return Markup(' fill="url(#{}-{})"').format(name, kind) if kind in HATCHED else Markup("")


def _picture(name: str, title: str, description: str, body: Markup, kind: str, height: int) -> Markup:
    used = [each for each in HATCHED if f"url(#{name}-{each})" in body]
    return Markup(
        '<svg class="drawn {}" width="100%" height="{}" role="img" aria-labelledby="{name}-t {name}-d">'
        '<title id="{name}-t">{}</title><desc id="{name}-d">{}</desc>{}{}</svg>'
    ).format(kind, height, title, description, _patterns(name, used), body, name=name)


def _silent(name: str, kind: str, body: Markup, used: Sequence[str]) -> Markup:
    return Markup('<svg class="drawn {}" width="100%" height="22" aria-hidden="true">{}{}</svg>').format(
        kind, _patterns(name, used), body
    )


def _patterns(name: str, used: Sequence[str]) -> Markup:
    """The hatchings that this picture needs: they tell the parts apart where no colour does."""
    if not used:
        return Markup("")
    made = Markup("").join(
        Markup('<pattern id="{}-{}" width="6" height="6" patternUnits="userSpaceOnUse"{}>{}</pattern>').format(
            name, each, *HATCHED[each]
        )
        for each in used
    )
    return Markup("<defs>") + made + Markup("</defs>")


def _share(n: Number, whole: Number) -> float:
    """Percent of the whole, never outside of it."""
    return float(min(max(Decimal(str(n)) / Decimal(str(whole)), Decimal(0)), Decimal(1)) * 100) if whole else 0.0


def _short(n: Number) -> str:
    return f"{float(n):.2f}".rstrip("0").rstrip(".")


def _plain(n: Decimal) -> Number:
    return int(n) if n == n.to_integral_value() else n
