"""What changed between two versions of a report: words, figures, evidence. Pure; the page marks it in place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher
from enum import IntEnum

from .metrics import Value

# One Chinese character, one word or number of another script, one run of spaces, or one sign.
TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|\s+|[^\w\s]")
SENTENCE = re.compile(r"[^。！？；.!?;\n]*[。！？；.!?;\n]?")
MOST_TOKENS = 1_500  # above this the comparison goes by sentences: comparing every character would take too long
LOOKED = "assignment"  # under these names is kept which version a reviewer looked at last,
LOOKED_BEFORE = "assignment-before"  # and which one the same reviewer had looked at before that
ISLAND = 2  # so few equal characters between two changes only make the marks harder to read


class Mark(IntEnum):
    """How a piece of text stands in the comparison."""

    SAME = 0
    GONE = 1
    NEW = 2


@dataclass(frozen=True)
class Piece:
    """A stretch of text and its mark."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Together:
    """How much of a figure was done with one unit of another line."""

    unit_id: int
    unit_name: str
    number: Decimal


Shared = Mapping[int, tuple[Together, ...]]  # by metric


@dataclass(frozen=True)
class Content:
    """What a version says: its words, its figures by metric id, its evidence by id with the file's name; `joint`: what
    of a figure was done with others."""

    words: str = ""
    values: Mapping[int, Value] = field(default_factory=dict)
    evidence: Mapping[int, str] = field(default_factory=dict)
    joint: Shared = field(default_factory=dict)


@dataclass(frozen=True)
class ValueChange:
    """One figure that is no longer as it was, or not what was done of it with others; None where it was not given."""

    metric_id: int
    was: Value | None
    now: Value | None
    was_joint: tuple[Together, ...] = ()
    now_joint: tuple[Together, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything did change."""
        return (self.was, self.was_joint) != (self.now, self.now_joint)


@dataclass(frozen=True)
class Differences:
    """All that changed. `words` is empty when they are the same; `added` and `removed` are evidence ids and names."""

    words: tuple[Piece, ...] = ()
    values: tuple[ValueChange, ...] = ()
    added: tuple[tuple[int, str], ...] = ()
    removed: tuple[tuple[int, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.values or self.added or self.removed)

    def of(self, metric_id: int) -> ValueChange | None:
        """The change of that figure, or None when it stayed."""
        return next((change for change in self.values if change.metric_id == metric_id), None)


def differences(was: Content, now: Content) -> Differences:
    """What changed from one version to another, figures in the order in which the later version names them."""
    metrics = list(dict.fromkeys([*now.values, *was.values]))
    return Differences(
        words=compare_words(was.words, now.words) if was.words != now.words else (),
        values=tuple(change for change in (_change(metric, was, now) for metric in metrics) if change.differs),
        added=tuple((key, name) for key, name in now.evidence.items() if key not in was.evidence),
        removed=tuple((key, name) for key, name in was.evidence.items() if key not in now.evidence),
    )


def _change(metric: int, was: Content, now: Content) -> ValueChange:
    values = was.values.get(metric), now.values.get(metric)
    return ValueChange(metric, *values, was.joint.get(metric, ()), now.joint.get(metric, ()))


def compare_words(was: str, now: str) -> tuple[Piece, ...]:
    """The later text with what went and what came marked in place; joined without what is GONE it is `now` again."""
    before, after = _tokens(was), _tokens(now)
    pieces: list[Piece] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece(Mark.SAME, "".join(after[j1:j2])))
            continue
        pieces.append(Piece(Mark.GONE, "".join(before[i1:i2])))
        pieces.append(Piece(Mark.NEW, "".join(after[j1:j2])))
    return _gathered(pieces)


def _tokens(text: str) -> list[str]:
    tokens = TOKEN.findall(text)
    return tokens if len(tokens) <= MOST_TOKENS else [part for part in SENTENCE.findall(text) if part]


def _gathered(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbouring changes as one, swallowing the islands between them."""
    found: list[Piece] = []
    gone = new = ""
    for index, piece in enumerate(pieces):
        inside = 0 < index < len(pieces) - 1
        island = piece.mark is Mark.SAME and inside and len(piece.text.strip()) <= ISLAND
        if piece.mark is Mark.GONE or island:
            gone += piece.text
        if piece.mark is Mark.NEW or island:
            new += piece.text
        if piece.mark is Mark.SAME and not island:
            found += [Piece(Mark.GONE, gone), Piece(Mark.NEW, new), piece]
            gone = new = ""
    found += [Piece(Mark.GONE, gone), Piece(Mark.NEW, new)]
    return tuple(piece for piece in found if piece.text)
