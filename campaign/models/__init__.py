"""NOUNS: what a thing is, and what the database must never accept. Tables, constraints, indexes; no decisions.

Imports the ground floor and the enums of `rules`. This file only lists the nouns, so that migrations see them all.
"""

from .assignments import Assignment, Batch, Question, Suspension, Timer
from .campaigns import (
    Campaign,
    CampaignUnit,
    EvidenceRule,
    Metric,
    Occasion,
    Period,
    Phase,
    Series,
    Task,
    TaskLine,
    TaskUnit,
)
from .clockwork import Calendar, CalendarDay, LadderVersion
from .doing import Firing, JobRun, StateCount, Tally, TallyDelta
from .log import ChainLink, Event
from .organisation import Area, Delegation, Person, Post, Unit
from .reporting import Attachment, CheckIn, ClientAction, Draft, Evidence, MetricValue, Review, Submission
from .signin import LoginGuard, LoginSession
from .telling import Delivery, Notice, Seen

__all__ = [
    "Area", "Assignment", "Attachment", "Batch", "Calendar", "CalendarDay", "Campaign", "CampaignUnit", "ChainLink",
    "CheckIn", "ClientAction", "Delegation", "Delivery", "Draft", "Event", "Evidence", "EvidenceRule", "Firing",
    "JobRun", "LadderVersion", "LoginGuard", "LoginSession", "Metric", "MetricValue", "Notice", "Occasion",
    "Period", "Person", "Phase", "Post", "Question", "Review", "Seen", "Series", "StateCount", "Submission",
    "Suspension", "Tally", "TallyDelta", "Task", "TaskLine", "TaskUnit", "Timer", "Unit",
]  # fmt: skip
