"""The words of every enum member and of every event tag, in the reader's language."""

from enum import IntEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..rules.calendars import DayKind, Roll
from ..rules.dates import CountsFrom, DueKind, Light
from ..rules.flags import FlagKind, Verdict
from ..rules.jobs import RunState
from ..rules.metrics import Aggregation, Comparator, MetricKind, OverTime
from ..rules.organisation import LeafKind, Level, Line, Role
from ..rules.periods import Outcome
from ..rules.permissions import Here
from ..rules.plans import CampaignStatus, EvidenceKind, Grade, PeriodState
from ..rules.rechecks import RecheckResult
from ..rules.requests import Decision, RequestKind
from ..rules.states import Action, CheckInKind, ReturnReason, State
from ..rules.targets import Method
from ..rules.telling import Channel, DeliveryState, Fault

# Members of two enums with the same number are equal: the words are kept by enum first.
WORDS: dict[type[IntEnum], dict[int, Any]] = {
    State: {
        State.ISSUED: _l("Not signed for"),
        State.ACKNOWLEDGED: _l("In progress"),
        State.SUBMITTED: _l("In review"),
        State.RETURNED: _l("Returned"),
        State.APPROVED: _l("Approved"),
        State.CANCELLED: _l("Cancelled"),
        State.DISPUTED: _l("Disputed"),
        State.NOT_APPLICABLE: _l("Not applicable"),
    },
    Action: {
        Action.ACKNOWLEDGE: _l("Sign for"),
        Action.SUBMIT: _l("Submit for review"),
        Action.WITHDRAW: _l("Withdraw"),
        Action.APPROVE: _l("Approve"),
        Action.RETURN: _l("Return"),
        Action.REOPEN: _l("Reopen"),
        Action.CANCEL: _l("Cancel the assignment"),
        Action.PASS_OVER: _l("Pass over the vacant level"),
        Action.UNDO: _l("Take the decision back"),
        Action.DISPUTE: _l("Dispute the target or the date"),
        Action.SETTLE: _l("Settle the dispute"),
        Action.RETRACT: _l("Take the dispute back"),
        Action.EXEMPT: _l("Accept that it does not apply"),
    },
    Light: {
        Light.RETURNED: _l("Returned"),
        Light.OVERDUE: _l("Overdue"),
        Light.BEHIND: _l("Behind"),
        Light.DUE: _l("Due soon"),
        Light.NEW: _l("Not signed for"),
        Light.OPEN: _l("In progress"),
        Light.DISPUTED: _l("Disputed"),
        Light.WAITING: _l("In review"),
        Light.DONE: _l("Done"),
        Light.NOT_APPLICABLE: _l("Not applicable"),
        Light.CANCELLED: _l("Cancelled"),
    },
    RequestKind: {
        RequestKind.EXTENSION: _l("More time"),
        RequestKind.DISPUTE: _l("Another target or date"),
        RequestKind.NOT_APPLICABLE: _l("Not applicable"),
    },
    Decision: {
        Decision.PENDING: _l("Waits for a decision"),
        Decision.GRANTED: _l("Granted"),
        Decision.REFUSED: _l("Refused"),
        Decision.WITHDRAWN: _l("Taken back"),
        Decision.GRANTED_BY_RULE: _l("Granted by rule"),
    },
    Line: {
        Line.PARTY: _l("Party committee"),
        Line.UNION: _l("Trade union"),
        Line.YOUTH: _l("Youth League"),
        Line.WOMEN: _l("Women's federation"),
        Line.CARE: _l("Next-generation committee"),
        Line.SCIENCE: _l("Science association"),
    },
    Level: {
        Level.NATION: _l("Nation"),
        Level.PROVINCE: _l("Province"),
        Level.CITY: _l("City"),
        Level.COUNTY: _l("County"),
        Level.TOWNSHIP: _l("Township"),
        Level.VILLAGE: _l("Village"),
        Level.ORGANISATION: _l("Organisation"),
    },
    LeafKind: {
        LeafKind.ENTERPRISE: _l("Enterprise"),
        LeafKind.SCHOOL: _l("School"),
        LeafKind.AGENCY: _l("Agency"),
        LeafKind.SOCIAL: _l("Social organisation"),
    },
    Role: {
        Role.OFFICER: _l("Officer"),
        Role.SUPERVISOR: _l("Supervisor"),
        Role.DISPATCHER: _l("Dispatcher"),
        Role.ADMINISTRATOR: _l("Administrator"),
        Role.AUDITOR: _l("Auditor"),
    },
    ReturnReason: {
        ReturnReason.EVIDENCE_MISSING: _l("Evidence missing"),
        ReturnReason.EVIDENCE_UNCLEAR: _l("Evidence unclear"),
        ReturnReason.FIGURES_WRONG: _l("Figures do not agree"),
        ReturnReason.FIGURES_MISSING: _l("Figures missing"),
        ReturnReason.WORDS_TOO_THIN: _l("Description too thin"),
        ReturnReason.OFF_TOPIC: _l("Does not answer the task"),
        ReturnReason.OTHER: _l("Another reason"),
    },
    CheckInKind: {
        CheckInKind.PROGRESS: _l("Progress"),
        CheckInKind.OBSTACLE: _l("Obstacle"),
        CheckInKind.HELP: _l("Help needed"),
    },
    MetricKind: {
        MetricKind.COUNT: _l("Count"),
        MetricKind.AMOUNT: _l("Amount of money"),
        MetricKind.RATE: _l("Rate"),
        MetricKind.BOOLEAN: _l("Yes or no"),
        MetricKind.TEXT: _l("Words"),
        MetricKind.CHECKLIST: _l("Checklist"),
    },
    Comparator: {
        Comparator.NONE: _l("no target"),
        Comparator.AT_LEAST: _l("at least"),
        Comparator.AT_MOST: _l("at most"),
        Comparator.EQUAL: _l("exactly"),
        Comparator.MORE_THAN: _l("more than"),
    },
    Aggregation: {
        Aggregation.SUM: _l("sum of the units"),
        Aggregation.RATIO: _l("sum over sum"),
        Aggregation.ALL: _l("all units"),
        Aggregation.LATEST: _l("not added up"),
        Aggregation.COVERAGE: _l("coverage: every unit"),
    },
    OverTime: {OverTime.SUM: _l("sum over time"), OverTime.LATEST: _l("latest figure")},
    EvidenceKind: {
        EvidenceKind.ANY: _l("Photo or document"),
        EvidenceKind.PHOTO: _l("Photo"),
        EvidenceKind.DOCUMENT: _l("Document"),
    },
    DueKind: {
        DueKind.NONE: _l("No due date"),
        DueKind.FIXED: _l("A fixed day"),
        DueKind.RELATIVE: _l("A number of days"),
        DueKind.OCCASION: _l("By an occasion"),
    },
    DayKind: {DayKind.CALENDAR: _l("calendar days"), DayKind.WORKING: _l("working days")},
    CountsFrom: {CountsFrom.ISSUE: _l("from the dispatch"), CountsFrom.SIGN_FOR: _l("from the sign-for")},
    Roll: {
        Roll.STAY: _l("stays where it is"),
        Roll.NEXT: _l("next working day"),
        Roll.PREVIOUS: _l("working day before"),
    },
    Grade: {Grade.BINDING: _l("Binding"), Grade.BEST_EFFORT: _l("Best effort")},
    CampaignStatus: {
        CampaignStatus.DRAFT: _l("Draft"),
        CampaignStatus.ISSUED: _l("Issued"),
        CampaignStatus.CLOSED: _l("Closed"),
    },
    PeriodState: {
        PeriodState.OPENED: _l("Opened in time"),
        PeriodState.LATE: _l("Opened late"),
        PeriodState.MISSED: _l("Not opened"),
    },
    Outcome: {
        Outcome.APPROVED: _l("Approved"),
        Outcome.WAITING: _l("In review"),
        Outcome.WITH_OFFICER: _l("With the officer"),
        Outcome.MISSED: _l("Missed"),
        Outcome.CANCELLED: _l("Cancelled"),
        Outcome.NOT_APPLICABLE: _l("Not applicable"),
    },
    Method: {
        Method.EVENLY: _l("evenly"),
        Method.BY_REGISTER: _l("by a register"),
        Method.BY_LAST_YEAR: _l("by last year's result"),
        Method.BY_HAND: _l("by hand"),
        Method.PASTED: _l("from a spreadsheet"),
        Method.SAME_RATE: _l("the same rate"),
        Method.QUOTA: _l("by quota"),
    },
    RunState: {
        RunState.RUNNING: _l("Running"),
        RunState.DONE: _l("Finished"),
        RunState.FAILED: _l("Failed"),
        RunState.ABANDONED: _l("Never ended"),
    },
    Channel: {
        Channel.MAIL: _l("Mail"),
        Channel.WECOM: _l("WeCom group"),
        Channel.DINGTALK: _l("DingTalk group"),
        Channel.FEISHU: _l("Feishu group"),
        Channel.SMS: _l("Text message"),
        Channel.WEBHOOK: _l("Webhook"),
    },
    Here: {
        Here.WAITING_BELOW: _l("not there yet"),
        Here.READY_HERE: _l("waits here"),
        Here.APPROVED_HERE: _l("approved here"),
        Here.ACCEPTED_ABOVE: _l("approved here and above"),
    },
    FlagKind: {
        FlagKind.LEAP: _l("Leap"),
        FlagKind.PART_ABOVE_WHOLE: _l("Part above whole"),
        FlagKind.BELOW_APPROVED: _l("Below the approved"),
        FlagKind.PARTS_DIFFER: _l("Parts do not add up"),
        FlagKind.AGAINST_TREND: _l("Against the trend"),
        FlagKind.SAME_BYTES: _l("Same file"),
        FlagKind.SAME_PICTURE: _l("Like picture"),
        FlagKind.OUTSIDE_WINDOW: _l("Captured outside the time"),
        FlagKind.SAME_WORDS: _l("Same words"),
    },
    Verdict: {
        Verdict.STANDS: _l("Stands"),
        Verdict.FALSE_ALARM: _l("False alarm"),
        Verdict.EXPLAINED: _l("Explained"),
    },
    RecheckResult: {
        RecheckResult.OPEN: _l("Not checked yet"),
        RecheckResult.CONFIRMED: _l("Confirmed"),
        RecheckResult.DIFFERS: _l("Differs"),
        RecheckResult.NOT_FOUND: _l("Not found"),
    },
    Fault: {Fault.REFUSED: _l("Refused for good"), Fault.GAVE_UP: _l("Tried five times")},
    DeliveryState: {
        DeliveryState.WAITING: _l("Waiting"),
        DeliveryState.SENT: _l("Sent"),
        DeliveryState.PARKED: _l("Parked"),
        DeliveryState.DROPPED: _l("No longer needed"),
    },
}

# The tags of rules/events.py; a test compares the two lists.
TAGS: dict[str, Any] = {
    "assignment:dispatch:issue": _l("A new task was dispatched to you"),
    "assignment:sign-for:acknowledge": _l("Signed for"),
    "assignment:submission:submit": _l("Submitted for review"),
    "assignment:submission:withdraw": _l("Withdrawn"),
    "assignment:review:pass-up": _l("Approved at this level and passed up"),
    "assignment:review:approve": _l("Approved, the task is done"),
    "assignment:review:return": _l("Returned for changes"),
    "assignment:review:pass-over": _l("A vacant level was passed over"),
    "assignment:review:undo": _l("A decision was taken back before anybody was told"),
    "assignment:review:remark": _l("A remark to the report"),
    "assignment:flag:decide": _l("A finding was looked at"),
    "recheck:sample:draw": _l("A random re-check was drawn"),
    "assignment:recheck:result": _l("Re-checked on the spot"),
    "assignment:unit:name-in-charge": _l("Person in charge named"),
    "assignment:issuer:reopen": _l("Reopened"),
    "assignment:issuer:cancel": _l("Cancelled by the issuer"),
    "assignment:issuer:extend": _l("The due date was moved"),
    "assignment:occasion:move": _l("The day of an occasion was set or moved, and the dates with it"),
    "assignment:cascade:split": _l("Split among the units below"),
    "assignment:cascade:change": _l("The split was changed, and targets with it"),
    "assignment:cascade:grant": _l("A unit was granted another target than its part of the split"),
    "assignment:cascade:follow": _l("Open again, it follows the targets that hold now"),
    "assignment:letter:generate": _l("Responsibility letter generated"),
    "assignment:letter:sign": _l("Responsibility letter signed"),
    "assignment:report:check-in": _l("Check-in"),
    "assignment:evidence:keep": _l("File uploaded"),
    "assignment:dispatcher:urge": _l("Urged by hand"),
    "assignment:question:ask": _l("A question was asked"),
    "assignment:question:answer": _l("The question was answered"),
    "assignment:question:withdraw": _l("The question was withdrawn"),
    "assignment:question:tell-above": _l("A question waits too long; the level above has been told"),
    "assignment:question:tell-vacant": _l("Nobody is in post to answer a question; the level above has been told"),
    "assignment:request:ask": _l("A request was made"),
    "assignment:request:grant": _l("More time was granted"),
    "assignment:request:grant-by-rule": _l("More time was granted by the rule of the campaign"),
    "assignment:request:refuse": _l("The request was refused"),
    "assignment:request:withdraw": _l("The request was taken back"),
    "assignment:request:consent": _l("A date after one's own was agreed to"),
    "assignment:request:remind": _l("Reminder: a request is to be decided today"),
    "assignment:request:tell-above": _l("A request waits too long; the level above has been told"),
    "assignment:request:tell-vacant": _l("Nobody is in post to decide on a request; the level above has been told"),
    "assignment:request:dispute": _l("The target or the date was disputed"),
    "assignment:request:settle": _l("The dispute was settled"),
    "assignment:request:retract": _l("The dispute was taken back"),
    "assignment:request:exempt": _l("Accepted: it does not apply to this unit"),
    "assignment:clock:remind-sign-for": _l("Reminder to sign for"),
    "assignment:clock:escalate-sign-for": _l("Escalation: not signed for in time"),
    "assignment:clock:cut-off": _l("Reminder: the cut-off date is near"),
    "assignment:clock:review-due": _l("Reminder: the review date is near"),
    "assignment:clock:review-overdue": _l("Escalation: the review is overdue"),
    "assignment:clock:returned": _l("Reminder: returned and not yet handed in again"),
    "assignment:clock:returned-escalate": _l("Escalation: returned and not handed in again"),
    "assignment:clock:behind": _l("Reminder: behind the expected curve"),
    "assignment:clock:behind-escalate": _l("Escalation: behind the expected curve"),
    "assignment:clock:remind": _l("Reminder: the due date is near"),
    "assignment:clock:escalate": _l("Escalation to the level above"),
    "assignment:clock:escalate-further": _l("Escalation two levels up"),
    "campaign:draft:create": _l("Campaign drafted"),
    "campaign:draft:edit": _l("Draft edited"),
    "campaign:issuer:issue": _l("Campaign issued"),
    "campaign:baseline:freeze": _l("Baselines frozen"),
    "campaign:occasion:add": _l("Occasion added"),
    "campaign:occasion:remove": _l("Occasion taken away"),
    "campaign:series:begin": _l("Series of a recurring task begun"),
    "campaign:series:end": _l("Series of a recurring task ended"),
    "campaign:comparison:allow": _l("Comparison of units switched on"),
    "campaign:comparison:stop": _l("Comparison of units switched off"),
    "campaign:period:miss": _l("Period missed"),
    "person:session:sign-in": _l("Signed in"),
    "person:session:sign-in-refused": _l("Sign-in refused"),
    "person:session:lock": _l("Account locked after failed sign-ins"),
    "person:session:sign-out": _l("Signed out"),
    "person:password:change": _l("Password changed"),
    "person:password:reset": _l("Password reset"),
    "person:account:create": _l("Account created"),
    "person:account:disable": _l("Account disabled"),
    "person:account:enable": _l("Account enabled"),
    "person:account:language": _l("Language changed"),
    "person:post:add": _l("Post added"),
    "person:post:take": _l("An administrator gave themselves a post"),
    "person:post:end": _l("Post ended"),
    "person:post:hand-over": _l("A post was handed over"),
    "delegation:stand-in:name": _l("A stand-in was named"),
    "delegation:stand-in:end": _l("A stand-in no longer acts"),
    "delegation:stand-in:lost": _l("A stand-in was lost"),
    "organisation:areas:import": _l("Areas imported"),
    "organisation:people:import": _l("People imported"),
    "register:list:create": _l("Register created"),
    "register:counts:change": _l("Numbers of a register changed"),
    "calendar:days:correct": _l("Working days corrected"),
    "calendar:own:create": _l("A calendar of its own"),
    "ladder:version:add": _l("Version of a ladder added"),
    "archive:ledger:ask": _l("An archive of a ledger was asked for"),
    "delivery:channel:incident": _l("Messages could not be sent"),
    "delivery:channel:resend": _l("Delivery tried again"),
    "delivery:channel:discard": _l("Delivery given up"),
    "person:messages:choose": _l("Wishes about messages changed"),
    "person:channel:try": _l("Test message asked for"),
    "person:channel:tried": _l("Test message sent or refused"),
    "person:feed:open": _l("Calendar link made"),
    "person:feed:close": _l("Calendar link withdrawn"),
}


# The jobs of the timetable; a test compares the two lists.
JOBS: dict[str, Any] = {
    "remind": _l("Send reminders"),
    "escalate": _l("Tell the level above of what is overdue"),
    "open_periods": _l("Open the periods of recurring tasks"),
    "fold": _l("Add up the boards"),
    "bring_milestones": _l("Let the next milestone count"),
    "seal": _l("Seal the log"),
    "deliver": _l("Send messages"),
    "record_states": _l("Count the states for the trend"),
    "ask_above": _l("Tell the level above of questions and requests that wait too long"),
    "make_archives": _l("Make the archives that were asked for"),
    "spell": _l("Spell new names in pinyin"),
    "tidy": _l("Clear away what has expired"),
}


def job_words(name: str) -> str:
    """What a job of the clock does, in a few words; an unknown one is shown by its name."""
    return str(JOBS.get(name, name))


def word(member: IntEnum) -> str:
    """The word of an enum member."""
    return str(WORDS[type(member)][member])


def tag_words(tag: str) -> str:
    """What an event or a notice tells, in a few words; an unknown tag is shown as it is."""
    return str(TAGS[tag]) if tag in TAGS else _("Event %(tag)s", tag=tag)
