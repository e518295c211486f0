"""The part of the task form that says how often: a rhythm by name with what it needs, or a rule written by hand."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectMultipleField, StringField

from ..errors import Problem
from ..rules.metrics import BadValue
from ..rules.planned import Recurring, TaskPlan
from ..rules.recurrence import rrule_of
from ..rules.rhythms import Rhythm, Wish, rule_of, wish_of

# Where a sentence about a rhythm stands: at the field that it needs.
FIELDS = {"recurs.from": "repeats_from", "recurs.window_days": "window_days", "recurs.rotates": "rotates"}
FIELD_OF = {Rhythm.WEEKLY: "weekday", Rhythm.FREE: "rrule"}


# The rhythms as they are chosen.
CHOICES = {
    Rhythm.ONCE: _l("Once"),
    Rhythm.MONTHLY: _l("Every month"),
    Rhythm.WEEKLY: _l("Every week"),
    Rhythm.TWO_MONTHLY: _l("Every two months"),
    Rhythm.QUARTERLY: _l("Every quarter"),
    Rhythm.HALF_YEARLY: _l("Every half-year"),
    Rhythm.YEAR_END: _l("At the end of the year (December)"),
    Rhythm.SEASONS: _l("In certain months, for example in spring and autumn"),
    Rhythm.FREE: _l("By a rule of RFC 5545 (for experts)"),
}


def rhythm_choices() -> list[tuple[str, str]]:
    """The rhythms with their words in the reader's language."""
    return [(rhythm.value, str(words)) for rhythm, words in CHOICES.items()]


class RecurrenceFields:
    """The fields, to be mixed into a form."""

    rhythm = StringField(default=Rhythm.ONCE.value)
    month_day = StringField()
    weekday = StringField(default="1")
    months = SelectMultipleField(choices=[], validate_choice=False)
    nth = StringField()
    rrule = StringField()
    repeats_from = StringField()
    window_days = StringField()
    rotates = BooleanField()

    def fill_recurrence(self, task: TaskPlan) -> None:
        """Puts how often a task comes round into the fields."""
        kept = task.recurring
        wish = wish_of(kept.rrule)
        self.rhythm.data, self.rrule.data = wish.rhythm.value, wish.rule
        self.month_day.data, self.nth.data = _typed(wish.day), _typed(wish.nth)
        self.weekday.data = _typed(wish.weekday) or "1"
        self.months.data = [str(month) for month in wish.months]
        self.repeats_from.data = kept.repeats_from.isoformat() if kept.repeats_from else ""
        self.window_days.data, self.rotates.data = _typed(kept.window_days), kept.rotates

    @property
    def recurs(self) -> bool:
        """Whether anything but once was chosen."""
        return (self.rhythm.data or "") not in ("", Rhythm.ONCE.value)

    def recurring(self, typed: Any) -> Recurring:
        """How often, as it was typed; what cannot be read is noted in `typed`. Other rhythms' fields do not count."""
        if not self.recurs:
            return Recurring()
        day, nth = typed.whole("month_day", self.month_day), typed.whole("nth", self.nth)
        weekday = typed.id("weekday", self.weekday)
        months = [int(each) for each in self.months.data or () if _small(each)]
        rhythm = next((each for each in Rhythm if each.value == self.rhythm.data), Rhythm.FREE)
        wish = Wish(rhythm, day, weekday, tuple(sorted(months)), nth, (self.rrule.data or "").strip())
        where = FIELD_OF.get(rhythm, "month_day")
        if rhythm is Rhythm.SEASONS and not months:
            where = "months"
        elif day is not None and nth is not None and rhythm in (Rhythm.QUARTERLY, Rhythm.HALF_YEARLY):
            where = "nth"
        rrule = ""
        try:
            rule = rule_of(wish)
            rrule = rrule_of(rule) if rule else ""
        except BadValue as bad:
            typed.problems.append(Problem(where, bad.sentence))
        for path, field in {**FIELDS, "recurs.rule": "rrule" if rhythm is Rhythm.FREE else "rhythm"}.items():
            typed.means(path, field)
        return Recurring(
            rrule, typed.day("recurs.from", self.repeats_from), typed.whole("recurs.window_days", self.window_days),
            bool(self.rotates.data),
        )  # fmt: skip


def _small(word: str) -> bool:
    return word.isdecimal() and len(word) < 3


def _typed(number: int | None) -> str:
    return "" if number is None else str(number)
