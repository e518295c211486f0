"""Of the figures of the report form: what was done together with units of other lines.

Money is typed in the unit of the whole form. An empty field, or a nought, says nothing."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from ..models.past import Told
from ..queries.assignments import Asked, Whole
from ..rules.metrics import KINDS, BadValue, money_in, read_money
from .figure_form import MONEY, Fields, JointField, is_money, plain
from .filters import figure_words
from .language import speak


def joint_name(metric: Asked, partner: Told) -> str:
    """The name of the field; the operation names its problems alike."""
    return f"joint-{metric.id}-{partner.version}"


def first_joint(whole: Whole, money: str) -> Fields:
    """What the latest version says was done with others, as it would be typed."""
    fields: Fields = {}
    for metric, partner in _asked(whole):
        if (number := partner.value.number) is not None:
            shown = money_in(number, MONEY[money]) if is_money(metric) else number
            fields[joint_name(metric, partner)] = plain(shown)
    return fields


def posted_joint(form: MultiDict[str, str], whole: Whole) -> Fields:
    """What was sent, for the partners that this form names; anything else is left aside."""
    names = [joint_name(metric, partner) for metric, partner in _asked(whole)]
    return {name: form.get(name, "") for name in names}


def read_joint(fields: Fields, whole: Whole) -> tuple[dict[int, dict[int, Decimal]], dict[str, tuple[str, ...]]]:
    """How much of which figure was done with which unit, and for each field that is no number the sentence for it."""
    joint: dict[int, dict[int, Decimal]] = {}
    errors: dict[str, tuple[str, ...]] = {}
    places = MONEY.get(str(fields.get("money")), 0)
    for metric, partner in _asked(whole):
        name = joint_name(metric, partner)
        try:
            number = _read(metric, str(fields.get(name, "")), places)
        except BadValue as error:
            said = _("%(name)s, with %(unit)s", name=metric.name, unit=partner.label)
            errors[name] = (_("%(name)s: %(what)s", name=said, what=speak(error.sentence)),)
            continue
        if number:
            joint.setdefault(metric.id, {})[partner.version] = number
    return joint, errors


def joint_fields(metric: Asked, fields: Fields, errors: Mapping[str, tuple[str, ...]]) -> tuple[JointField, ...]:
    """The fields of one figure as they are drawn."""
    found = []
    for partner in metric.partners:
        name, said = joint_name(metric, partner), ""
        if partner.credited is not None:
            said = figure_words(partner.credited, metric.kind, metric.unit_of_measure, metric.money_places)
        found.append(JointField(name, partner.label, str(fields.get(name, "")), errors.get(name, ()), said))
    return tuple(found)


def _asked(whole: Whole) -> Iterator[tuple[Asked, Told]]:
    return ((metric, partner) for metric in whole.metrics for partner in metric.partners)


def _read(metric: Asked, typed: str, places: int) -> Decimal | None:
    if not typed.strip():
        return None
    if is_money(metric):
        return read_money(typed, places)
    value = KINDS[metric.kind].read({"value": typed})
    return None if value is None else value.number
