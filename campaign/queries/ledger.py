"""The ledger of one assignment: its whole file, its check-ins, its history and its time line."""

from dataclasses import dataclass
from datetime import datetime

from ..models.facts import Standing, standing_from, standing_in_full
from ..models.gathering import gathered
from ..rules.organisation import Actor
from .outlook import Line, line_from, outlook_of
from .submission import Dossier, Progress, check_ins_from, check_ins_of, dossier_from, file_of, header_of
from .timeline import Entry, entries_from, entries_of


@dataclass(frozen=True)
class Ledger:
    """All of it. `entries`: the history, newest first."""

    file: Dossier
    check_ins: tuple[Progress, ...]
    entries: list[Entry]
    line: Line
    facts: Standing


def ledger_of(assignment_id: int, actor: Actor, *, now: datetime) -> Ledger | None:
    """The ledger within the actor's scope, or None. Two statements, and up to two for the people who will be told."""
    header = header_of(assignment_id, actor)
    if header is None:
        return None
    file, said = file_of(header), check_ins_of(header)
    facts, happened, *rows = gathered(
        standing_in_full(header.id), entries_of(header.id), *file, *said, *outlook_of(header.id)
    )
    both = len(file) + len(said)
    line = line_from(rows[both:], now=now)
    if line is None or not facts:
        return None
    return Ledger(
        dossier_from(header, rows[: len(file)]),
        check_ins_from(rows[len(file) : both]),
        entries_from(happened),
        line,
        standing_from(facts[0]),
    )
