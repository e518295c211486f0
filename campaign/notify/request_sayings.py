"""What is said of requests upwards, to those who decide and to those who asked."""

from ..errors import say
from .headings import WHO_AND_WHY, Heading, Saying

REQUESTS: dict[str, Saying] = {
    "assignment:request:ask": Saying(
        Heading.URGED,
        say("A request to you: %(task)s (%(unit)s)"),
        say("The unit asks for something and waits for your decision. Its time stands still meanwhile."),
        WHO_AND_WHY,
    ),
    "assignment:request:remind": Saying(
        Heading.URGED,
        say("To be decided today: %(task)s (%(unit)s)"),
        say("The time to decide on this request ends today."),
        ("reason",),
    ),
    "assignment:request:tell-above": Saying(
        Heading.BELOW,
        say("A request is waiting: %(task)s (%(unit)s)"),
        say("A request has not been decided in time. You may decide it, or see to it that it is decided."),
        ("reason",),
    ),
    "assignment:request:tell-vacant": Saying(
        Heading.URGED,
        say("A request to you, as nobody is in post below: %(task)s (%(unit)s)"),
        say("Nobody is in post at the unit that should decide on it, so the decision is yours."),
        ("reason",),
    ),
    "assignment:request:grant": Saying(
        Heading.NEWS,
        say("More time granted: %(task)s (%(unit)s)"),
        say("The due date below is the new one."),
        WHO_AND_WHY,
    ),
    "assignment:request:grant-by-rule": Saying(
        Heading.NEWS,
        say("More time by the rule of the campaign: %(task)s (%(unit)s)"),
        say("The unit asked in time and within the rule of the campaign. Nothing is to be done."),
        ("reason",),
    ),
    "assignment:request:refuse": Saying(
        Heading.NEWS,
        say("Request refused: %(task)s (%(unit)s)"),
        say("The time goes on from now. The due date below already allows for the days you waited."),
        WHO_AND_WHY,
    ),
    "assignment:request:withdraw": Saying(
        Heading.NEWS,
        say("A request was taken back: %(task)s (%(unit)s)"),
        say("Nothing is to be decided any more."),
        ("who",),
    ),
    "assignment:request:consent": Saying(
        Heading.NEWS,
        say("A later date was agreed to: %(task)s (%(unit)s)"),
        say("You can grant the date that is asked for now."),
        ("who",),
    ),
    "assignment:request:dispute": Saying(
        Heading.URGED,
        say("Disputed: %(task)s (%(unit)s)"),
        say("The unit disputes its target or date and has not begun. Please decide."),
        WHO_AND_WHY,
    ),
    "assignment:request:settle": Saying(
        Heading.NEWS,
        say("The dispute was settled: %(task)s (%(unit)s)"),
        say("The target and the date stand now. Please sign for it and begin."),
        WHO_AND_WHY,
    ),
    "assignment:request:retract": Saying(
        Heading.NEWS,
        say("A dispute was taken back: %(task)s (%(unit)s)"),
        say("Nothing is to be decided any more."),
        ("who",),
    ),
    "assignment:request:exempt": Saying(
        Heading.NEWS,
        say("Does not apply to you: %(task)s (%(unit)s)"),
        say("Your reason was accepted. Nothing more is to be done."),
        WHO_AND_WHY,
    ),
}
