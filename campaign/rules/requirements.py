"""What a task asks of a submission, and what of it is still missing. The page and the operation ask the same list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..errors import Problem, say
from .metrics import Value
from .metrics.checklist import ticked
from .plans import EvidenceKind
from .windows import When, counts_in_time, when_taken


@dataclass(frozen=True)
class MetricNeed:
    """A figure that is asked."""

    id: int
    name: str
    required: bool


@dataclass(frozen=True)
class EvidenceNeed:
    """A kind of evidence that is asked. `item`: the position in the checklist `metric_id` of what it proves; then it is
    asked where that item is ticked. `in_time`: what was captured before the task began does not count."""

    id: int
    name: str
    kind: EvidenceKind
    min_count: int
    in_time: bool = False
    metric_id: int | None = None
    item: int | None = None
    item_name: str = ""


@dataclass(frozen=True)
class Given:
    """A file that is named: for which rule, of what type, when it was captured and when it was sent."""

    rule_id: int | None
    media_type: str
    taken_at: datetime | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True)
class Needs:
    """All that a task asks of a submission."""

    metrics: tuple[MetricNeed, ...] = ()
    evidence: tuple[EvidenceNeed, ...] = ()
    min_characters: int = 0
    begins: datetime | None = None  # the first moment of the task's time


def fits(kind: EvidenceKind, media_type: str) -> bool:
    """Whether a file of that type counts for that kind of evidence."""
    is_photo = media_type.startswith("image/")
    return kind is EvidenceKind.ANY or is_photo == (kind is EvidenceKind.PHOTO)


def when_given(need: EvidenceNeed, file: Given, begins: datetime | None) -> When:
    """Where the time of the capture lies, as far as this rule asks for it: of photos only, since only they tell it."""
    asks = need.in_time and begins is not None and file.sent_at is not None and file.media_type.startswith("image/")
    if not asks or begins is None or file.sent_at is None:
        return When.INSIDE
    return when_taken(file.taken_at, begins=begins, due_at=None, sent_at=file.sent_at)


def counts(need: EvidenceNeed, file: Given, begins: datetime | None) -> bool:
    """Whether the file counts for the rule: its kind is the one asked, and it is not older than the task."""
    return fits(need.kind, file.media_type) and counts_in_time(when_given(need, file, begins))


def shortfall(needs: Needs, need: EvidenceNeed, values: Mapping[int, Value], evidence: Iterable[Given]) -> int:
    """How many files the rule still lacks; none for the proof of an item that is not ticked."""
    if need.item is not None:
        value = values.get(need.metric_id or 0)
        if value is None or need.item not in ticked(value):
            return 0
    have = sum(file.rule_id == need.id and counts(need, file, needs.begins) for file in evidence)
    return max(0, need.min_count - have)


def length_of(words: str) -> int:
    """How many characters count: white space does not."""
    return len("".join(words.split()))


def missing(needs: Needs, words: str, values: Mapping[int, Value], evidence: Iterable[Given]) -> list[Problem]:
    """What is still missing, in the order of the page. `evidence`: the files named.

    `where` is 'metric-<id>', 'evidence-<id>' or 'words'.
    """
    found = [
        Problem(f"metric-{need.id}", say("%(name)s is not filled in", name=need.name))
        for need in needs.metrics
        if need.required and need.id not in values
    ]
    files = list(evidence)
    for rule in needs.evidence:
        lack = shortfall(needs, rule, values, files)
        if lack and rule.item is not None:
            said = say("“%(item)s” is ticked; its proof is missing: %(name)s", item=rule.item_name, name=rule.name)
            found.append(Problem(f"evidence-{rule.id}", said))
        elif lack:
            photos = say("%(name)s: photos still needed: %(count)s", name=rule.name, count=lack)
            others = say("%(name)s: %(count)s more needed", name=rule.name, count=lack)
            sentence = photos if rule.kind is EvidenceKind.PHOTO else others
            found.append(Problem(f"evidence-{rule.id}", sentence))
    short = needs.min_characters - length_of(words)
    if short > 0:
        found.append(Problem("words", say("The description needs %(count)s more characters", count=short)))
    return found
