"""What a task asks of a submission, and what of it is still missing. The page and the operation ask the same list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import Problem, say
from .metrics import Value
from .plans import EvidenceKind


@dataclass(frozen=True)
class MetricNeed:
    """A figure that is asked."""

    id: int
    name: str
    required: bool


@dataclass(frozen=True)
class EvidenceNeed:
    """A kind of evidence that is asked."""

    id: int
    name: str
    kind: EvidenceKind
    min_count: int


@dataclass(frozen=True)
class Needs:
    """All that a task asks of a submission."""

    metrics: tuple[MetricNeed, ...] = ()
    evidence: tuple[EvidenceNeed, ...] = ()
    min_characters: int = 0


def fits(kind: EvidenceKind, media_type: str) -> bool:
    """Whether a file of that type counts for that kind of evidence."""
    is_photo = media_type.startswith("image/")
    return kind is EvidenceKind.ANY or is_photo == (kind is EvidenceKind.PHOTO)


def length_of(words: str) -> int:
    """How many characters count: white space does not."""
    return len("".join(words.split()))


def missing(
    needs: Needs, words: str, values: Mapping[int, Value], evidence: Iterable[tuple[int | None, str]]
) -> list[Problem]:
    """What is still missing, in the order of the page. `evidence`: (rule id, media type) of each file named.

    `where` is 'metric-<id>', 'evidence-<id>' or 'words'.
    """
    found = [
        Problem(f"metric-{need.id}", say("%(name)s is not filled in", name=need.name))
        for need in needs.metrics
        if need.required and need.id not in values
    ]
    files = list(evidence)
    for rule in needs.evidence:
        have = sum(1 for rule_id, media_type in files if rule_id == rule.id and fits(rule.kind, media_type))
        if have < rule.min_count:
            sentence = say("%(name)s: %(count)s more needed", name=rule.name, count=rule.min_count - have)
            found.append(Problem(f"evidence-{rule.id}", sentence))
    short = needs.min_characters - length_of(words)
    if short > 0:
        found.append(Problem("words", say("The description needs %(count)s more characters", count=short)))
    return found
