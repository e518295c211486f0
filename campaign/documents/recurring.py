"""How often a task of a plan file comes round: `recurs`, a rhythm by name with what it needs, or a rule of RFC 5545."""

from ..rules.metrics import BadValue
from ..rules.planned import Recurring
from ..rules.recurrence import rrule_of
from ..rules.rhythms import Rhythm, Wish, rule_of
from .nodes import Fields, Form

RECURS_FORM = Form("rhythm", "day", "weekday", "months", "month", "rule", "from", "window_days", "rotates")
RHYTHMS: dict[str, Rhythm] = {
    **{rhythm.value: rhythm for rhythm in Rhythm},
    "每月": Rhythm.MONTHLY, "每周": Rhythm.WEEKLY, "每两个月": Rhythm.TWO_MONTHLY, "每季度": Rhythm.QUARTERLY,
    "每半年": Rhythm.HALF_YEARLY, "年底": Rhythm.YEAR_END, "按季节": Rhythm.SEASONS,
}  # fmt: skip
WEEKDAYS = {
    **{
        name: at
        for at, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
    },
    **{f"周{sign}": at for at, sign in enumerate("一二三四五六日")},
}
MONTHS = {str(month): month for month in range(1, 13)}
LAST_DAY = {"last": 31, "最后一天": 31, **{str(day): day for day in range(1, 32)}}


def read_recurring(fields: Fields) -> Recurring:
    """How often that task comes round; once where nothing is said. What cannot be read is noted at its line."""
    if not fields.has("recurs"):
        return Recurring()
    recurs = fields.mapping("recurs", RECURS_FORM)
    rhythm = recurs.choice("rhythm", RHYTHMS) or Rhythm.FREE
    wish = Wish(
        rhythm,
        recurs.choice("day", LAST_DAY),
        recurs.choice("weekday", WEEKDAYS),
        tuple(recurs.choices("months", MONTHS)),
        recurs.whole("month"),
        recurs.text("rule"),
    )
    rrule = ""
    try:
        rule = rule_of(wish)
        rrule = rrule_of(rule) if rule else ""
    except BadValue as bad:
        recurs.wrong("rule" if rhythm is Rhythm.FREE else "rhythm", bad.sentence)
    return Recurring(
        rrule, recurs.day("from"), recurs.whole("window_days"), recurs.yes_or_no("rotates", otherwise=False)
    )
