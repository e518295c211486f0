"""The due date of a task in a plan file: a day, a phrase of the document, a number of days, or an occasion."""

from dataclasses import dataclass
from datetime import date

from ..errors import Sentence, say
from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind
from ..rules.phrases import KNOWN, DocumentDate, read_phrase, within
from .nodes import Fields, Form

DUE_FORM = Form("kind", "on", "event", "days", "years", "count", "from")
KINDS = {"none": DueKind.NONE, "fixed": DueKind.FIXED, "relative": DueKind.RELATIVE, "event": DueKind.OCCASION}
COUNTS = {"calendar": DayKind.CALENDAR, "working": DayKind.WORKING, "自然日": DayKind.CALENDAR,
          "工作日": DayKind.WORKING}  # fmt: skip
STARTS = {"issue": CountsFrom.ISSUE, "sign-for": CountsFrom.SIGN_FOR, "下达": CountsFrom.ISSUE,
          "签收": CountsFrom.SIGN_FOR}  # fmt: skip
ROLLS = {"stay": Roll.STAY, "next": Roll.NEXT, "previous": Roll.PREVIOUS, "不变": Roll.STAY, "顺延": Roll.NEXT,
         "提前": Roll.PREVIOUS}  # fmt: skip
MOST_YEARS = 20


@dataclass(frozen=True)
class Due:
    """What `due` says. `best_effort`: its words promise no more than to try (力争, 争取)."""

    kind: DueKind = DueKind.NONE
    on: date | None = None
    days: int | None = None
    count: DayKind = DayKind.CALENDAR
    counts_from: CountsFrom = CountsFrom.ISSUE
    occasion: str = ""
    best_effort: bool = False


def read_due(fields: Fields, document: DocumentDate) -> Due:
    """The due date of a task of that document. What cannot be read is noted at its line."""
    if not fields.is_mapping("due"):
        return _said(fields, "due", document)
    due = fields.mapping("due", DUE_FORM)
    kind = due.choice("kind", KINDS)
    given = _kind_of(due)
    if kind is None:
        kind = given
    elif given is not DueKind.NONE and given is not kind and not (kind is DueKind.OCCASION and not due.has("event")):
        due.wrong("kind", say("This does not go with the other fields of the due date."))
    if due.has("on") and due.has("years"):
        due.wrong("years", say("Either a day or a number of years, not both."))
    if kind is DueKind.FIXED and due.has("years"):
        return Due(DueKind.FIXED, _years(due, document))
    if kind is DueKind.FIXED and due.has("on"):
        return _said(due, "on", document)
    counted = kind in (DueKind.RELATIVE, DueKind.OCCASION)
    return Due(
        kind,
        days=due.whole("days") if counted else None,
        count=due.choice("count", COUNTS) or DayKind.CALENDAR,
        counts_from=due.choice("from", STARTS) or CountsFrom.ISSUE,
        occasion=due.text("event"),
    )


def read_day(fields: Fields, name: str, document: DocumentDate) -> date | None:
    """A day, written as such or as a phrase of the document. What cannot be read is noted at its line."""
    return _said(fields, name, document).on


def _kind_of(due: Fields) -> DueKind:
    """What the fields that are given mean by themselves."""
    if due.has("event"):
        return DueKind.OCCASION
    if due.has("on") or due.has("years"):
        return DueKind.FIXED
    return DueKind.RELATIVE if due.has("days") else DueKind.NONE


def _said(fields: Fields, name: str, document: DocumentDate) -> Due:
    """A day or a phrase in words; the phrase belongs to the year of the document."""
    text = fields.text(name)
    if not text or text.lower() == "none":
        return Due()
    try:
        return Due(DueKind.FIXED, date.fromisoformat(text))
    except ValueError:
        phrase = read_phrase(text)
    if phrase is None:
        sentence = say(
            "“%(words)s” is not understood. Please write the day as 2026-11-20, or one of: %(known)s.",
            words=text[:40],
            known=KNOWN,
        )  # fmt: skip
        fields.wrong(name, sentence)
        return Due()
    on = phrase.on(document)
    if on is None:
        fields.wrong(name, _no_day(text, phrase.needs_year() and document.year is None))
    return Due(DueKind.NONE if on is None else DueKind.FIXED, on, best_effort=phrase.best_effort)


def _no_day(text: str, yearless: bool) -> Sentence:
    if yearless:
        return say(
            "“%(words)s” belongs to the year of the document. Please give its number with the year, or `starts_on`.",
            words=text[:40],
        )
    return say("No year has the day “%(words)s”.", words=text[:40])


def _years(due: Fields, document: DocumentDate) -> date | None:
    years = due.whole("years")
    if years is None:
        return None
    if not 1 <= years <= MOST_YEARS:
        due.wrong("years", say("Between %(least)s and %(most)s.", least=1, most=MOST_YEARS))
        return None
    on = within(years, document)
    if on is None:
        due.wrong("years", _no_day(str(years), True))
    return on
