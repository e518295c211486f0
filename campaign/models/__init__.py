"""NOUNS: what a thing is, and what the database must never accept. Tables, constraints, indexes; no decisions.

Imports the ground floor and the enums of `rules`. This file only lists the nouns, so that migrations see them all.
"""

from .assignments import Assignment, Batch, Timer
from .campaigns import Campaign, CampaignUnit, EvidenceRule, Metric, Phase, Task, TaskLine, TaskUnit
from .doing import Firing, JobRun, StateCount, Tally, TallyDelta
from .log import ChainLink, Event
from .organisation import Area, Person, Post, Unit
from .reporting import Attachment, CheckIn, ClientAction, Draft, Evidence, MetricValue, Review, Submission
from .signin import LoginGuard, LoginSession
from .telling import Delivery, Notice, Seen

__all__ = [
    "Area", "Assignment", "Attachment", "Batch", "Campaign", "CampaignUnit", "ChainLink", "CheckIn", "ClientAction",
    "Delivery", "Draft", "Event", "Evidence", "EvidenceRule", "Firing", "JobRun", "LoginGuard", "LoginSession",
    "Metric", "MetricValue", "Notice", "Person", "Phase", "Post", "Review", "Seen", "StateCount", "Submission",
    "Tally", "TallyDelta", "Task", "TaskLine", "TaskUnit", "Timer", "Unit",
]  # fmt: skip
