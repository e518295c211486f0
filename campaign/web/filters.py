"""How values are put into words on a page: days, numbers, money, figures of metrics, lights, sentences from below."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from jinja2 import pass_context
from jinja2.runtime import Context

from ..rules.dates import Light
from ..rules.metrics import MONEY_UNITS, SHOWN_PLACES, Comparator, MetricKind, Value, money_in
from ..rules.states import State
from .access import page_now
from .form_reading import by_place, label_in
from .happenings import doer
from .language import choose_locale, speak
from .navigation import has_endpoint, other_language, page_actor, page_language
from .words import job_words, tag_words, word

ABSENT = "—"
TEN_THOUSAND = Decimal(10_000)
LONG, YEAR = 100, 365.25  # days: from so many on nobody counts them
WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LIGHT_SHAPES = {
    Light.RETURNED: "behind",
    Light.OVERDUE: "overdue",
    Light.BEHIND: "behind",
    Light.DUE: "due",
    Light.NEW: "new",
    Light.OPEN: "open",
    Light.DISPUTED: "disputed",
    Light.WAITING: "waiting",
    Light.DONE: "done",
    Light.NOT_APPLICABLE: "exempt",
    Light.CANCELLED: "cancelled",
}
STATE_SHAPES = {
    State.ISSUED: "new",
    State.ACKNOWLEDGED: "open",
    State.SUBMITTED: "waiting",
    State.RETURNED: "behind",
    State.APPROVED: "done",
    State.CANCELLED: "cancelled",
    State.DISPUTED: "disputed",
    State.NOT_APPLICABLE: "exempt",
}


def register_filters(app: Flask) -> None:
    """Makes the filters and functions of this module known to every template."""
    filters = {
        "by_place": by_place,
        "day": day,
        "day_number": day_number,
        "doer": doer,
        "due_words": due_words,
        "job_words": job_words,
        "label_in": label_in,
        "light_class": light_shape,
        "light_shape": light_shape,
        "light_word": word,
        "local": local,
        "moment": moment,
        "clock": clock_time,
        "money": money,
        "number": number,
        "percent": percent,
        "sentence": speak,
        "size_words": size_words,
        "state_class": state_shape,
        "state_shape": state_shape,
        "state_word": word,
        "tag_words": tag_words,
        "value_words": value_words,
        "word": word,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(
        aim_words=aim_words,
        figure_words=figure_words,
        has_endpoint=has_endpoint,
        ngettext=_counted(app.jinja_env.globals),
        other_language=other_language,
        page_actor=page_actor,
        page_language=page_language,
        page_now=page_now,
        static_url=static_url,
        target_words=target_words,
        word=word,
    )


def _counted(known: dict[str, Any]) -> Callable[..., Any]:
    """The templates' `ngettext` with the number as it is read: 1,000 entries, not 1000."""
    plain: Callable[..., Any] = known["ngettext"]

    @pass_context
    def counted(context: Context, singular: str, plural: str, n: int, **values: Any) -> Any:
        return plain(context, singular, plural, n, **({"num": number(n)} | values))

    return counted


def static_url(filename: str) -> str:
    """The address of a file in static/, with a mark of its content, so that browsers may keep it for long."""
    path = Path(str(current_app.static_folder)) / filename
    return url_for("static", filename=filename, v=_mark(str(path), path.stat().st_mtime_ns))


@lru_cache(maxsize=64)
def _mark(path: str, _changed: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def chinese() -> bool:
    """Whether this page is read in Chinese."""
    return choose_locale() == "zh_CN"


def local(instant: datetime) -> datetime:
    """The instant in the organisation's time zone."""
    return instant.astimezone(ZoneInfo(current_app.config["SETTINGS"].timezone))


def _as_day(value: date | datetime) -> date:
    return local(value).date() if isinstance(value, datetime) else value


def day_number(value: date | datetime | None) -> str:
    """The day without its weekday: 11月22日, 22 Nov; with the year when it is not this year's."""
    if value is None:
        return ABSENT
    that = _as_day(value)
    other_year = that.year != local(page_now()).year
    if chinese():
        return f"{f'{that.year}年' if other_year else ''}{that.month}月{that.day}日"
    return f"{that.day} {MONTHS[that.month - 1]}{f' {that.year}' if other_year else ''}"


def day(value: date | datetime | None) -> str:
    """The day with its weekday: 11月22日 周日, Sun 22 Nov."""
    if value is None:
        return ABSENT
    weekday = _as_day(value).weekday()
    return f"{day_number(value)} 周{WEEKDAYS_ZH[weekday]}" if chinese() else f"{WEEKDAYS[weekday]} {day_number(value)}"


def clock_time(value: datetime | None) -> str:
    """The time of day: 09:40."""
    return ABSENT if value is None else f"{local(value):%H:%M}"


def moment(value: datetime | None) -> str:
    """The day and the time: 11月20日 09:40, 20 Nov 09:40."""
    return ABSENT if value is None else f"{day_number(value)} {clock_time(value)}"


def due_words(due_at: datetime | None, now: datetime) -> str:
    """How long is left, or how late it is, in whole days of the calendar."""
    if due_at is None:
        return _("No due date")
    days = (_as_day(due_at) - _as_day(now)).days
    if due_at < now:
        late = max(1, -days)
        return ngettext("%(num)s day late", "%(num)s days late", late)
    if days == 0:
        return _("due today")
    if days >= LONG:
        years, months = int(days / YEAR), round(days / YEAR * 12)
        if years >= 2:
            return ngettext("more than %(num)s year left", "more than %(num)s years left", years)
        return ngettext("about %(num)s month left", "about %(num)s months left", months)
    return ngettext("%(num)s day left", "%(num)s days left", days)


def number(value: Decimal | int | float | None, places: int | None = None) -> str:
    """With thousands separated and no needless zeros; absent is a dash, zero is 0."""
    if value is None:
        return ABSENT
    if places is not None:
        return f"{value:,.{places}f}"
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal | None, wan: bool | None = None, places: int = 0) -> str:
    """An amount kept in 元, exact: in 万元 from ten thousand on, unless told which; `places` 4 or 8: in 万元 or
    亿元, as the plan says it, while that is not too large a unit for it. English pages say yuan. A unit is too large
    where the amount is less than a hundredth of it, or needs more than four places."""
    if value is None:
        return ABSENT
    while places and (0 < value < Decimal(1).scaleb(places - 2) or not _short_in(value, places)):
        places -= 4
    if places and chinese() and wan is None:
        return f"{number(money_in(value, places))} {MONEY_UNITS[places]}"
    in_wan = chinese() and (wan if wan is not None else value >= TEN_THOUSAND and _short_in(value, 4))
    if in_wan:
        return f"{number(value / TEN_THOUSAND)} 万元"
    return f"{number(value)} {'元' if chinese() else 'yuan'}"


def _short_in(value: Decimal, places: int) -> bool:
    return value == value.quantize(Decimal(1).scaleb(places - SHOWN_PLACES))


def percent(value: Decimal | float | None) -> str:
    """A rate with one decimal."""
    return ABSENT if value is None else f"{value:.1f}%"


def value_words(value: Value | None, kind: MetricKind, unit_of_measure: str = "", places: int = 0) -> str:
    """A reported figure as it is read: 196 人次, 30 万元 (or as `places` say), 83.3% (5/6), 是, or the words."""
    if value is None:
        return ABSENT
    if kind is MetricKind.RATE:
        if not value.denominator or value.numerator is None:
            return ABSENT
        share = percent(value.numerator / value.denominator * 100)
        parts = f"{number(value.numerator)}/{number(value.denominator)}"
        return f"{share}（{parts}）" if chinese() else f"{share} ({parts})"
    if kind is MetricKind.TEXT:
        return value.text or ABSENT
    if kind is MetricKind.CHECKLIST and value.number != 1 and value.text:
        return _("not complete (there: no. %(ticks)s)", ticks=value.text.replace(",", ", "))
    return figure_words(value.number, kind, unit_of_measure, places)


def figure_words(figure: Decimal | None, kind: MetricKind, unit_of_measure: str = "", places: int = 0) -> str:
    """A single number of that kind, such as a target. `places`: 4 or 8 where the plan speaks in 万元 or 亿元."""
    if figure is None:
        return ABSENT
    if kind is MetricKind.BOOLEAN:
        return _("yes") if figure == 1 else _("no")
    if kind is MetricKind.CHECKLIST:
        return _("complete") if figure == 1 else _("not complete")
    if kind is MetricKind.AMOUNT:
        return money(figure, places=places)
    if kind is MetricKind.RATE:
        return percent(figure)
    return f"{number(figure)} {unit_of_measure}".strip()


def target_words(metric: Any) -> str:
    """The target of a metric (anything with kind, comparator, target and unit_of_measure; money_places, where it has
    them), or a dash."""
    if metric.target is None:
        return ABSENT
    places = getattr(metric, "money_places", 0)
    figure = figure_words(metric.target, metric.kind, metric.unit_of_measure, places)
    if metric.comparator is Comparator.AT_MOST:
        return _("at most %(figure)s", figure=figure)
    if metric.comparator is Comparator.MORE_THAN:
        return _("more than %(figure)s", figure=figure)
    return figure


def aim_words(metric: Any) -> str:
    """The same for who has to reach it: an amount of less than one 亿元 or 万元 in which the plan speaks is said in
    the smaller unit as well, 0.07 亿元（700 万元）."""
    words, places = target_words(metric), getattr(metric, "money_places", 0)
    if metric.target is None or not places or not chinese() or not 0 < metric.target < Decimal(1).scaleb(places):
        return words
    smaller = money(metric.target, places=places - 4)
    return words if words.endswith(smaller) else f"{words}（{smaller}）"


def size_words(size: int) -> str:
    """The size of a file."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024)):,} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def light_shape(member: Light) -> str:
    """The shape, and the colour, of a light."""
    return LIGHT_SHAPES[member]


def state_shape(member: State | IntEnum) -> str:
    """The shape, and the colour, of a state where no date is at hand."""
    return STATE_SHAPES[State(member)]
