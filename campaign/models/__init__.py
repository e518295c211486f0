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
from .figures import Contribution, Figure, FigureCount, FigureTouch, Joint
from .flags import Flag, FlagDecision
from .keeping import Archive, Capture, Fingerprint, Upload, WordPrint
from .log import ChainLink, Event
from .organisation import Area, Delegation, Person, Placement, Post, Unit
from .reporting import Attachment, CheckIn, ClientAction, Draft, Evidence, MetricValue, Review, Submission, Undo
from .requests import Proposal, Request, RequestEvidence
from .reviewing import Claim, Phrase, Remark, Sample, SampleItem
from .signin import LoginGuard, LoginSession
from .spelling import Spelling
from .targets import (
    Allocation,
    AllocationTotal,
    Baseline,
    ChecklistItem,
    Letter,
    Milestone,
    Register,
    RegisterCount,
    Share,
    Signature,
    Target,
)
from .telling import Delivery, Notice, Seen

__all__ = [
    "Allocation", "AllocationTotal", "Archive", "Area", "Assignment", "Attachment", "Baseline", "Batch", "Calendar",
    "CalendarDay", "Campaign", "CampaignUnit", "Capture", "ChainLink", "CheckIn", "ChecklistItem", "Claim",
    "ClientAction", "Contribution", "Delegation", "Delivery", "Draft", "Event", "Evidence", "EvidenceRule", "Figure",
    "FigureCount", "FigureTouch", "Fingerprint", "Firing", "Flag", "FlagDecision", "JobRun", "Joint", "LadderVersion",
    "Letter", "LoginGuard", "LoginSession", "Metric", "MetricValue", "Milestone", "Notice", "Occasion", "Period",
    "Person", "Phase", "Phrase", "Placement", "Post", "Proposal", "Question", "Register", "RegisterCount", "Remark",
    "Request",
    "RequestEvidence", "Review", "Sample", "SampleItem", "Seen", "Series", "Share", "Signature",
    "Spelling", "StateCount", "Submission", "Suspension", "Tally", "TallyDelta", "Target", "Task", "TaskLine",
    "TaskUnit", "Timer", "Undo",
    "Unit", "Upload", "WordPrint",
]  # fmt: skip
