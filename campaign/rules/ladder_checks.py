"""Whether a ladder holds: what its rungs may say, each problem at its row; and the numbers that rungs keep for ever.

A problem names its field by a path: `name`, `rungs.2.offset`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..errors import Problem, Sentence, say
from .ladder import AUDIENCES, STATES, Anchor, Counts, Criterion, Rung, Teller
from .organisation import Level
from .states import State

MOST_RUNGS = 20
MOST_HOURS, MOST_DAYS = 240, 60
LAST_MINUTE = 24 * 60 - 1
FIRST_NAMED, LONGEST_KEY = 120, 40
FROM_REVIEWER = tuple(teller for teller, wanted in AUDIENCES.items() if wanted.from_reviewer)
HAPPENINGS = (Anchor.RETURNED, Anchor.BEHIND)  # nobody knows them in advance, so nothing can stand before them
IN_DAYS = {Counts.HOURS: 1 / 24, Counts.DAYS: 1.0, Counts.WORKING_DAYS: 1.0}


def check_ladder(name: str, rungs: Sequence[Rung], stop_level: Level | None = None) -> list[Problem]:
    """Everything wrong with a version of a ladder."""
    found = list(_name(name))
    if not rungs:
        found.append(Problem("rungs", say("A ladder needs at least one rung.")))
    if len(rungs) > MOST_RUNGS:
        found.append(Problem("rungs", say("At most %(most)s rungs: who is told more often no longer listens.",
                                          most=MOST_RUNGS)))  # fmt: skip
    for at, rung in enumerate(rungs):
        found += [Problem(f"rungs.{at}.{field}", sentence) for field, sentence in _rung(rung, stop_level)]
        if any(_meaning(rung) == _meaning(other) for other in rungs[:at]):
            found.append(Problem(f"rungs.{at}", say("Another rung says the same at the same time.")))
        elif rung.steps and not any(_before(other, rung) for other in rungs):
            sentence = say("Whoever has to act must hear of it first: put a reminder at or before this rung.")
            found.append(Problem(f"rungs.{at}.tells", sentence))
    return found


def numbered(rungs: Sequence[Rung], former: Iterable[Rung]) -> tuple[Rung, ...]:
    """The rungs with their numbers: what a former version of the ladder said keeps its number, what is new gets one
    that was never used. `former`: the rungs of all versions so far, oldest first."""
    known: dict[tuple[Any, ...], int] = {}
    last = 0
    for rung in former:
        known.setdefault(_meaning(rung), rung.number)
        last = max(last, rung.number)
    found: list[Rung] = []
    for rung in rungs:
        number = known.get(_meaning(rung))
        if number is None:
            last += 1
            number = last
        found.append(replace(rung, number=number))
    return tuple(found)


def _meaning(rung: Rung) -> tuple[Any, ...]:
    """What makes a rung the one it is. The minute of the day and how loudly it speaks may change."""
    return rung.anchor, rung.offset, rung.counts, frozenset(rung.tells), rung.when


def _name(name: str) -> Iterator[Problem]:
    if not name.strip():
        yield Problem("name", say("Please give the ladder a name."))
    if len(name) > FIRST_NAMED:
        yield Problem("name", say("At most %(most)s characters; these are %(have)s.", most=FIRST_NAMED, have=len(name)))


def _rung(rung: Rung, stop_level: Level | None) -> Iterator[tuple[str, Sentence]]:
    most = MOST_HOURS if rung.counts is Counts.HOURS else MOST_DAYS
    if abs(rung.offset) > most:
        yield "offset", say("At most %(most)s before or after the date.", most=most)
    if rung.offset < 0 and rung.anchor in HAPPENINGS:
        yield "offset", say("This happens without notice; a rung can only come after it.")
    if not 0 <= rung.at <= LAST_MINUTE:
        yield "at", say("Please write the time as 09:00.")
    if not rung.tells:
        yield "tells", say("Please choose at least one who is told.")
    for teller in rung.tells:
        if teller in FROM_REVIEWER and rung.anchor is not Anchor.REVIEW_DUE:
            yield "tells", say("The reviewer is told only of the review date; the work lies with the unit.")
            break
    if rung.anchor is Anchor.REVIEW_DUE and set(rung.tells) - set(FROM_REVIEWER):
        yield "tells", say("Of the review date only the reviewer and the level above hear; the unit has done its part.")
    yield from _criterion(rung)
    if stop_level is not None and Level.VILLAGE - rung.steps < stop_level:
        yield "tells", say("This rung tells levels above the highest level that is told; nobody would hear it.")


def _criterion(rung: Rung) -> Iterator[tuple[str, Sentence]]:
    states = STATES[rung.anchor]
    never = say("Together with this date the condition can never hold.")
    if rung.when is Criterion.NOT_SIGNED_FOR and State.ISSUED not in states:
        yield "when", never
    if rung.when is Criterion.RETURNED and State.RETURNED not in states:
        yield "when", never
    if rung.when is Criterion.BEHIND and rung.anchor in (Anchor.REVIEW_DUE, Anchor.RETURNED):
        yield "when", never


def _before(other: Rung, rung: Rung) -> bool:
    """Whether that rung tells the unit itself, or the reviewer, at or before the time of this one."""
    own = (Teller.REVIEWER,) if rung.anchor is Anchor.REVIEW_DUE else (Teller.OFFICER, Teller.IN_CHARGE)
    hears = other.anchor is rung.anchor and any(teller in own for teller in other.tells)
    return hears and other.offset * IN_DAYS[other.counts] <= rung.offset * IN_DAYS[rung.counts]
