"""The groups of a digest, in words and colours, and the form in which each thing is said."""

from dataclasses import dataclass
from enum import IntEnum

from ..errors import Sentence, say


class Heading(IntEnum):
    """The groups of a digest, in their order: what is most urgent first."""

    OVERDUE = 1
    RETURNED = 2
    URGED = 3
    REVIEW = 4
    DUE = 5
    SIGN_FOR = 6
    BEHIND = 7
    BELOW = 8
    NEWS = 9


HEADINGS: dict[Heading, Sentence] = {
    Heading.OVERDUE: say("Overdue"),
    Heading.RETURNED: say("Returned, to be corrected"),
    Heading.URGED: say("Urged or asked"),
    Heading.REVIEW: say("To review"),
    Heading.DUE: say("Due soon"),
    Heading.SIGN_FOR: say("To sign for"),
    Heading.BEHIND: say("Behind schedule"),
    Heading.BELOW: say("In the units below"),
    Heading.NEWS: say("For your information"),
}
# The same in a subject line, with its number.
COUNTED: dict[Heading, Sentence] = {
    Heading.OVERDUE: say("%(n)s overdue"),
    Heading.RETURNED: say("%(n)s returned"),
    Heading.URGED: say("%(n)s urged"),
    Heading.REVIEW: say("%(n)s to review"),
    Heading.DUE: say("%(n)s due soon"),
    Heading.SIGN_FOR: say("%(n)s to sign for"),
    Heading.BEHIND: say("%(n)s behind"),
    Heading.BELOW: say("%(n)s from below"),
    Heading.NEWS: say("%(n)s for information"),
}
COLOURS: dict[Heading, str] = {
    Heading.OVERDUE: "#b3261e",
    Heading.RETURNED: "#9a6700",
    Heading.URGED: "#b3261e",
    Heading.REVIEW: "#0b5cad",
    Heading.DUE: "#0b5cad",
    Heading.SIGN_FOR: "#5f6b7a",
    Heading.BEHIND: "#9a6700",
    Heading.BELOW: "#5f6b7a",
    Heading.NEWS: "#5f6b7a",
}


@dataclass(frozen=True)
class Saying:
    """`facts`: which of the dates and words are named beside campaign, unit and due date."""

    heading: Heading
    title: Sentence
    advice: Sentence
    facts: tuple[str, ...] = ()


WHO_AND_WHY = ("who", "reason")
