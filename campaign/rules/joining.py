"""Joint activities: one unit reports what it did together with a unit of another line; both are credited with it, and
a total over lines has it once, with the unit that reported it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..errors import Sentence, say
from .metrics import Aggregation, Value
from .organisation import Line

LEADS = Line.PARTY  # the party committee leads what the others do: it is credited with nothing of theirs


@dataclass(frozen=True)
class Partner:
    """A unit that did it too. `credits_us`: what it reports itself as done together with us, for the same metric.
    `asked`: the same is asked of it, in the same place and period."""

    id: int
    name: str
    line: Line
    credits_us: Decimal = Decimal(0)
    asked: bool = True


def joint_problem(
    value: Value | None,
    aggregation: Aggregation,
    shares: Mapping[int, Decimal],
    partners: Mapping[int, Partner],
    own: Line,
) -> Sentence | None:
    """What is wrong with the joint part of one figure, if anything. `shares`: how much with which unit."""
    if aggregation is Aggregation.SUM and value is None:
        return say("Please fill in the whole figure as well: this is a part of it.")
    if aggregation is not Aggregation.SUM or value is None or value.number is None:
        return say("Only a figure that is added up can be done together with others.")
    for unit_id, number in shares.items():
        partner = partners.get(unit_id)
        if partner is None:
            return say("The unit that you did it with is not known.")
        if partner.line is own:
            return say("%(unit)s is of your own line: within a line each unit reports its own part.", unit=partner.name)
        if LEADS in (partner.line, own):
            return say("The party committee leads; it is credited with nothing. Name the unit that did it with you.")
        if not partner.asked:
            return say("%(unit)s is not asked for this here, so it cannot be credited with it.", unit=partner.name)
        if number <= 0 or number > value.number:
            return say(
                "What you did with %(unit)s must be above zero and at most your whole figure.", unit=partner.name
            )
        if partner.credits_us:
            return say("%(unit)s has reported this with you already; it counts for you. Please leave it out here.",
                       unit=partner.name)  # fmt: skip
    return None
