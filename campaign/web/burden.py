"""What a task asks of each unit, in words: only what is asked, and what is not asked as such."""

from decimal import Decimal

from flask import Blueprint
from flask_babel import gettext as _
from flask_babel import ngettext

from ..queries.burden import Meter
from ..rules.burden import TENTH
from .filters import number

bp = Blueprint("burden", __name__)


@bp.app_template_global("asked_words")
def asked_words(fields: int, photos: int) -> str:
    """The one form that a task is, with what has to be filled in and attached at least."""
    filled = ngettext("%(num)s field to fill in", "%(num)s fields to fill in", fields) if fields else _("no figures")
    shown = ngettext("at least %(num)s photo", "at least %(num)s photos", photos) if photos else _("no photos")
    return _("One form: %(fields)s, %(photos)s.", fields=filled, photos=shown)


@bp.app_template_global("weekly_words")
def weekly_words(meter: Meter) -> str:
    """What the task adds for a unit in a week."""
    ask, added = meter.ask, meter.added
    parts = [ngettext("%(n)s form", "%(n)s forms", _count(added.forms), n=_told(added.forms))]
    if ask.fields:
        parts.append(ngettext("%(n)s field", "%(n)s fields", _count(added.fields), n=_told(added.fields)))
    if ask.photos:
        parts.append(ngettext("%(n)s photo", "%(n)s photos", _count(added.photos), n=_told(added.photos)))
    return _("More for each unit in a week: %(parts)s.", parts=_(", ").join(parts))


def _count(value: Decimal) -> int:
    """Which form of the word the number takes: 0.5 forms, 1 form."""
    return 1 if value == 1 or value < TENTH else 2


def _told(value: Decimal) -> str:
    return number(value) if value >= TENTH else _("less than 0.1")
