"""Rungs in words: when a rung speaks, whom it tells, how loudly and on what condition."""

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from ..rules.ladder import Anchor, Counts, Criterion, How, Rung, Teller

ANCHORS: dict[Anchor, Any] = {
    Anchor.RESPOND_BY: _l("the date to sign for it"),
    Anchor.DUE: _l("the due date"),
    Anchor.CUT_OFF: _l("the cut-off date"),
    Anchor.REVIEW_DUE: _l("the review date"),
    Anchor.RETURNED: _l("the return"),
    Anchor.BEHIND: _l("falling behind"),
}
TELLERS: dict[Teller, Any] = {
    Teller.OFFICER: _l("the officers"),
    Teller.IN_CHARGE: _l("the person in charge"),
    Teller.HEAD: _l("the unit's supervisors"),
    Teller.SUPERVISING: _l("the dispatchers one level up"),
    Teller.ONE_UP: _l("the unit one level up"),
    Teller.TWO_UP: _l("the unit two levels up"),
    Teller.REVIEWER: _l("the reviewers"),
    Teller.REVIEWER_UP: _l("the unit above the reviewers"),
}
HOWS: dict[How, Any] = {How.DIGEST: _l("daily digest"), How.AT_ONCE: _l("at once")}
COUNTS: dict[Counts, Any] = {
    Counts.WORKING_DAYS: _l("workdays"),
    Counts.DAYS: _l("calendar days"),
    Counts.HOURS: _l("hours"),
}
CRITERIA: dict[Criterion, Any] = {
    Criterion.ALWAYS: _l("always"),
    Criterion.NOT_SIGNED_FOR: _l("only while not signed for"),
    Criterion.BEHIND: _l("only while behind the curve"),
    Criterion.RETURNED: _l("only while returned"),
}


def choices(words: dict[Any, Any]) -> list[tuple[int, str]]:
    """The members of one of these tables as the options of a list."""
    return [(int(member), str(said)) for member, said in words.items()]


def ladder_name(name: str) -> str:
    """The name of a ladder; the default one has none of its own."""
    return name or _("The default ladder")


def ladder_choices(found: Sequence[Any], nothing: str) -> list[tuple[str, str]]:
    """The options of a list of ladders by their keys; `nothing`: what an empty choice means."""
    return [("", nothing), *((each.key, f"{ladder_name(each.name)} · {each.key}") for each in found)]


def clock_words(minute: int) -> str:
    """A minute of the day: 09:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def when_words(rung: Rung) -> str:
    """When it speaks: 3 workdays before the due date, 09:00."""
    date = str(ANCHORS[rung.anchor])
    if rung.counts is Counts.HOURS:
        if rung.offset == 0:
            return _("at the end of %(date)s", date=date)
        span = ngettext("%(num)s hour", "%(num)s hours", abs(rung.offset))
        return (
            _("%(span)s before %(date)s", span=span, date=date)
            if rung.offset < 0
            else _("%(span)s after %(date)s", span=span, date=date)
        )
    time = clock_words(rung.at)
    if rung.offset == 0:
        return _("on the day of %(date)s, %(time)s", date=date, time=time)
    days = abs(rung.offset)
    if rung.counts is Counts.WORKING_DAYS:
        span = ngettext("%(num)s workday", "%(num)s workdays", days)
    else:
        span = ngettext("%(num)s calendar day", "%(num)s calendar days", days)
    if rung.offset < 0:
        return _("%(span)s before %(date)s, %(time)s", span=span, date=date, time=time)
    return _("%(span)s after %(date)s, %(time)s", span=span, date=date, time=time)


def who_words(rung: Rung) -> str:
    """Whom it tells."""
    return _(", ").join(str(TELLERS[teller]) for teller in rung.tells)


def teller_words(teller: Teller) -> str:
    """One of those who are told."""
    return str(TELLERS[teller])


def what_words(rung: Rung) -> str:
    """What it does, whatever the time: reminds somebody, or escalates to somebody."""
    places = {"who": who_words(rung), "how": str(HOWS[rung.how])}
    said = _("escalates to %(who)s (%(how)s)") if rung.steps else _("reminds %(who)s (%(how)s)")
    return said % places


def rung_words(rung: Rung) -> str:
    """The whole rung as one line."""
    line = _("%(when)s: %(what)s", when=when_words(rung), what=what_words(rung))
    if rung.when is Criterion.ALWAYS:
        return line
    return _("%(line)s, %(condition)s", line=line, condition=str(CRITERIA[rung.when]))


FILTERS: dict[str, Callable[..., Any]] = {
    "rung_words": rung_words,
    "when_words": when_words,
    "what_words": what_words,
    "who_words": who_words,
    "clock_words": clock_words,
    "ladder_name": ladder_name,
    "teller_words": teller_words,
}
