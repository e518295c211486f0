"""What is said of each thing that people are told of: a title, what to do, and under which heading of a digest.

The words stand in the same catalogue as those of the pages, so that no sentence is kept in two ways.
"""

from ..errors import Sentence, say
from .headings import WHO_AND_WHY, Heading, Saying
from .request_sayings import REQUESTS

SAYINGS: dict[str, Saying] = {
    **REQUESTS,
    "assignment:dispatch:issue": Saying(
        Heading.SIGN_FOR,
        say("New task to sign for: %(task)s"),
        say("Please sign for it and carry it out in time."),
        ("respond_by",),
    ),
    "assignment:submission:submit": Saying(
        Heading.REVIEW,
        say("To review: %(task)s (%(unit)s)"),
        say("The unit has submitted its report. Please review it."),
        ("review_due_at",),
    ),
    "assignment:review:pass-up": Saying(
        Heading.REVIEW,
        say("To review: %(task)s (%(unit)s)"),
        say("The level below has approved it. Please review it."),
        ("review_due_at",),
    ),
    "assignment:review:pass-over": Saying(
        Heading.REVIEW,
        say("To review: %(task)s (%(unit)s)"),
        say("Nobody holds the post at the level below, so it has come to you. Please review it."),
        ("review_due_at",),
    ),
    "assignment:review:approve": Saying(
        Heading.NEWS,
        say("Approved: %(task)s (%(unit)s)"),
        say("The report was approved and the task is done."),
    ),
    "assignment:review:return": Saying(
        Heading.RETURNED,
        say("Returned for changes: %(task)s (%(unit)s)"),
        say("The report was returned. Please correct it and submit again."),
        WHO_AND_WHY,
    ),
    "assignment:review:remark": Saying(
        Heading.NEWS,
        say("A remark: %(task)s (%(unit)s)"),
        say("Somebody wrote a remark to the report. You can answer below it."),
        ("who",),
    ),
    "recheck:sample:draw": Saying(
        Heading.URGED,
        say("Random re-check: your unit checks"),
        say("Approved reports of other units were drawn. Please look on the spot and say what you find."),
        WHO_AND_WHY,
    ),
    "assignment:issuer:reopen": Saying(
        Heading.RETURNED,
        say("Reopened: %(task)s (%(unit)s)"),
        say("The task was reopened. Please check it and submit again."),
        WHO_AND_WHY,
    ),
    "assignment:issuer:cancel": Saying(
        Heading.NEWS,
        say("Cancelled: %(task)s (%(unit)s)"),
        say("The issuing unit has cancelled the task. Nothing more is to be done."),
        WHO_AND_WHY,
    ),
    "assignment:dispatcher:urge": Saying(
        Heading.URGED,
        say("Urged: %(task)s (%(unit)s)"),
        say("You are asked to see to this task now."),
        WHO_AND_WHY,
    ),
    "assignment:question:ask": Saying(
        Heading.URGED,
        say("A question to you: %(task)s (%(unit)s)"),
        say("The unit waits for your answer. Its time stands still meanwhile."),
        WHO_AND_WHY,
    ),
    "assignment:question:tell-above": Saying(
        Heading.BELOW,
        say("A question is waiting: %(task)s (%(unit)s)"),
        say("A question to the level below you has not been answered. Please see to it."),
        ("reason",),
    ),
    "assignment:question:tell-vacant": Saying(
        Heading.URGED,
        say("A question to you, as nobody is in post below: %(task)s (%(unit)s)"),
        say("Nobody is in post at the unit that was asked, so the answer is yours."),
        ("reason",),
    ),
    "assignment:question:answer": Saying(
        Heading.NEWS,
        say("Your question was answered: %(task)s (%(unit)s)"),
        say("The time goes on from now. The due date below already allows for the days you waited."),
        WHO_AND_WHY,
    ),
    "assignment:question:withdraw": Saying(
        Heading.NEWS,
        say("A question was withdrawn: %(task)s (%(unit)s)"),
        say("No answer is needed any more."),
        ("who",),
    ),
    "assignment:unit:name-in-charge": Saying(
        Heading.NEWS,
        say("You are the person in charge: %(task)s (%(unit)s)"),
        say("Reminders of this task come to you from now on."),
        ("who",),
    ),
    "assignment:clock:remind-sign-for": Saying(
        Heading.SIGN_FOR,
        say("Please sign for: %(task)s (%(unit)s)"),
        say("The time to sign for it is nearly over."),
        ("respond_by",),
    ),
    "assignment:clock:escalate-sign-for": Saying(
        Heading.SIGN_FOR,
        say("Not signed for: %(task)s (%(unit)s)"),
        say("The time to sign for it has passed and the level above has been told. Please see to it."),
        ("respond_by",),
    ),
    "assignment:clock:remind": Saying(
        Heading.DUE,
        say("Due soon: %(task)s (%(unit)s)"),
        say("The due date is near. Please submit in time."),
    ),
    "assignment:clock:escalate": Saying(
        Heading.OVERDUE,
        say("Overdue: %(task)s (%(unit)s)"),
        say("The due date has passed and the level above has been told. Please follow it up."),
    ),
    "assignment:clock:escalate-further": Saying(
        Heading.OVERDUE,
        say("Still overdue: %(task)s (%(unit)s)"),
        say("It is still open days after the level above was first told. Please see to it."),
    ),
    "assignment:clock:cut-off": Saying(
        Heading.DUE,
        say("Soon closed: %(task)s (%(unit)s)"),
        say("After the cut-off nothing is accepted without an extension. Please submit before it."),
        ("cut_off_at",),
    ),
    "assignment:clock:returned": Saying(
        Heading.RETURNED,
        say("Returned and not yet corrected: %(task)s (%(unit)s)"),
        say("It was returned days ago and nothing has been changed since. Please correct it and submit again."),
    ),
    "assignment:clock:returned-escalate": Saying(
        Heading.BELOW,
        say("Returned and not yet corrected: %(task)s (%(unit)s)"),
        say("The unit has not taken up what was returned to it. Please follow it up."),
    ),
    "assignment:clock:behind": Saying(
        Heading.BEHIND,
        say("Behind schedule: %(task)s (%(unit)s)"),
        say("Less has been reported than should be done by now. Please report your progress or what hinders it."),
    ),
    "assignment:clock:behind-escalate": Saying(
        Heading.BELOW,
        say("Behind schedule: %(task)s (%(unit)s)"),
        say("The unit has reported less than should be done by now. Please follow it up."),
    ),
    "assignment:clock:review-due": Saying(
        Heading.REVIEW,
        say("Review due today: %(task)s (%(unit)s)"),
        say("The unit waits for your decision. Please review it today."),
        ("review_due_at",),
    ),
    "assignment:clock:review-overdue": Saying(
        Heading.REVIEW,
        say("Review overdue: %(task)s (%(unit)s)"),
        say("It should have been decided on by now, and the level above has been told. Please see to it."),
        ("review_due_at",),
    ),
    "assignment:issuer:extend": Saying(
        Heading.NEWS,
        say("Due date moved: %(task)s"),
        say("The issuing unit decided on another due date for you. The dates below hold from now on."),
        WHO_AND_WHY,
    ),
    "assignment:occasion:move": Saying(
        Heading.NEWS,
        say("Dates moved: %(task)s"),
        say("The day that the task depends on was set anew. The dates below hold from now on."),
        WHO_AND_WHY,
    ),
    "assignment:cascade:change": Saying(
        Heading.NEWS,
        say("Target changed: %(task)s (%(unit)s)"),
        say("The unit above splits its figures anew. Your target is another one from now on."),
        WHO_AND_WHY,
    ),
    "assignment:cascade:grant": Saying(
        Heading.NEWS,
        say("A part was changed by a decision: %(task)s (%(unit)s)"),
        say(
            "The target of a unit was changed on its request. The parts of your split are other ones now: look whether "
            "they still make up the whole, and make a new version where they should."
        ),
        WHO_AND_WHY,
    ),
    "assignment:cascade:follow": Saying(
        Heading.NEWS,
        say("Target changed: %(task)s (%(unit)s)"),
        say(
            "It is open again, and must reach what the split and the register say now: that is another target than "
            "when it was finished."
        ),
        WHO_AND_WHY,
    ),
    "calendar:days:correct": Saying(
        Heading.NEWS,
        say("Dates changed: %(task)s"),
        say("The working days were corrected. The dates below hold from now on."),
        WHO_AND_WHY,
    ),
    "delegation:stand-in:name": Saying(
        Heading.NEWS,
        say("A stand-in was named"),
        say("You stand in for somebody, or somebody for you. Under Me you see for whom and until when."),
        WHO_AND_WHY,
    ),
    "delegation:stand-in:end": Saying(
        Heading.NEWS,
        say("A stand-in no longer acts"),
        say("The stand-in that concerned you has ended. Under Me you see what holds now."),
        WHO_AND_WHY,
    ),
    "delegation:stand-in:lost": Saying(
        Heading.NEWS,
        say("A stand-in was lost"),
        say("The stand-in cannot act any more. Please name another one."),
        WHO_AND_WHY,
    ),
    "person:post:hand-over": Saying(
        Heading.NEWS,
        say("A post was handed over"),
        say("Open work goes with the post. Your to-do list shows what is yours now."),
        WHO_AND_WHY,
    ),
    "delivery:channel:incident": Saying(
        Heading.URGED,
        say("Messages could not be sent"),
        say("Messages to people in your area were given up. Please look at the causes and send them again."),
        ("reason",),
    ),
}
# What the clock says after the date to those whom it reminds before it: by then the words must be others.
LATE: dict[str, Saying] = {
    "assignment:clock:remind-sign-for": Saying(
        Heading.SIGN_FOR,
        say("Not signed for: %(task)s (%(unit)s)"),
        say("The time to sign for it has passed. Please sign for it now."),
        ("respond_by",),
    ),
    "assignment:clock:remind": Saying(
        Heading.OVERDUE,
        say("Overdue: %(task)s (%(unit)s)"),
        say("The due date has passed. Please submit as soon as possible."),
    ),
    "assignment:clock:cut-off": Saying(
        Heading.OVERDUE,
        say("Closed: %(task)s (%(unit)s)"),
        say("The cut-off has passed. Nothing is accepted without an extension."),
        ("cut_off_at",),
    ),
    "assignment:clock:review-due": Saying(
        Heading.REVIEW,
        say("Review overdue: %(task)s (%(unit)s)"),
        say("It should have been decided on by now. Please review it."),
        ("review_due_at",),
    ),
}
LATE_AFTER: dict[str, str] = {  # which date that is
    "assignment:clock:remind-sign-for": "respond_by",
    "assignment:clock:remind": "due_at",
    "assignment:clock:cut-off": "cut_off_at",
    "assignment:clock:review-due": "review_due_at",
}
# The other way round: a ladder may tell the level above before the date, and then nothing is late yet.
AHEAD: dict[str, Saying] = {
    "assignment:clock:escalate-sign-for": Saying(
        Heading.SIGN_FOR,
        say("Not yet signed for: %(task)s (%(unit)s)"),
        say("The time to sign for it is nearly over, and the level above has been told. Please see to it."),
        ("respond_by",),
    ),
    "assignment:clock:escalate": Saying(
        Heading.DUE,
        say("Due soon: %(task)s (%(unit)s)"),
        say("The due date is near, and the level above has been told. Please see to it."),
    ),
    "assignment:clock:review-overdue": Saying(
        Heading.REVIEW,
        say("Review due soon: %(task)s (%(unit)s)"),
        say("It waits for a decision, and the level above has been told. Please see to it."),
        ("review_due_at",),
    ),
}
AHEAD["assignment:clock:escalate-further"] = AHEAD["assignment:clock:escalate"]
AHEAD_OF: dict[str, str] = {
    "assignment:clock:escalate-sign-for": "respond_by",
    "assignment:clock:escalate": "due_at",
    "assignment:clock:escalate-further": "due_at",
    "assignment:clock:review-overdue": "review_due_at",
}
FACTS: dict[str, Sentence] = {
    "campaign": say("Campaign: %(value)s"),
    "unit": say("Unit: %(value)s"),
    "respond_by": say("Sign for by: %(value)s"),
    "due_at": say("Due date: %(value)s"),
    "cut_off_at": say("Cut-off: %(value)s"),
    "review_due_at": say("Review due: %(value)s"),
    "reason": say("In their words: %(value)s"),
    "who": say("By: %(value)s"),
}
