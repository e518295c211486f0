"""The form of a report: what was typed, as the page shows it, as the draft keeps it, and as the operation takes it.

The fields are plain texts under fixed names: `words`, `note`, `kind`, those of the figures (`figure_form.py`) and of
what was done with other lines (`joint_form.py`), and `files`: evidence ids with the rule each serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from werkzeug.datastructures import MultiDict

from ..errors import Invalid, Problem, say
from ..operations.joining import Shares
from ..operations.reporting import Report
from ..queries.assignments import Whole
from ..rules.metrics import MetricKind, Value
from ..rules.requirements import length_of, missing
from ..rules.states import CheckInKind
from .evidence_boxes import EvidenceBox, boxes, given
from .figure_form import (
    MONEY,
    Doubt,
    Fields,
    MetricField,
    doubts_in,
    first_figures,
    first_money,
    metric_field,
    money_choices,
    posted_figures,
    read_values,
)
from .joint_form import first_joint, joint_fields, posted_joint, read_joint
from .language import speak


@dataclass(frozen=True)
class Sheet:
    """The whole form, ready to be drawn."""

    metrics: tuple[MetricField, ...]
    boxes: tuple[EvidenceBox, ...]
    words: str
    note: str
    kind: CheckInKind
    money: str
    money_choices: list[tuple[str, str]]
    missing: tuple[tuple[str, str], ...]
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_money(self) -> bool:
        """Whether an amount is asked, so that 元 or 万元 must be chosen."""
        return any(shown.metric.kind is MetricKind.AMOUNT for shown in self.metrics)

    @property
    def doubts(self) -> list[Doubt]:
        """What should be looked at before it is sent."""
        return [doubt for shown in self.metrics for doubt in shown.doubts]

    def wrong(self, name: str) -> tuple[str, ...]:
        """The sentences at that field."""
        return self.errors.get(name, ())

    @property
    def written(self) -> int:
        """How many characters of the words count."""
        return length_of(self.words)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every error with the field it concerns, in the order of the page."""
        figures = [name for shown in self.metrics for name in (shown.id, *(each.id for each in shown.joint))]
        order = figures + [box.id for box in self.boxes]
        places = {name: place for place, name in enumerate(order)}
        names = sorted(self.errors, key=lambda name: places.get(name, len(places)))
        return [(name, text) for name in names for text in self.errors[name]]


def first_fields(whole: Whole, money: str = "") -> Fields:
    """What the form starts with: the draft, or what was reported last, so that nothing is asked twice. `money`: the
    unit that the officer chose last, '' for none."""
    if whole.ask.draft:
        return dict(whole.ask.draft)
    fields: Fields = {"money": first_money(whole, money), "kind": str(int(CheckInKind.PROGRESS))}
    fields |= first_figures(whole, fields["money"]) | first_joint(whole, fields["money"])
    if whole.latest is not None:
        fields["words"] = whole.latest.words
    fields["files"] = {str(file.id): file.rule_id for file in whole.files if file.attached}
    return fields


def posted_fields(form: MultiDict[str, str], whole: Whole) -> Fields:
    """What was sent, by the names that this form has; anything else is left aside."""
    fields: Fields = {name: form.get(name, "") for name in ("words", "note", "kind")}
    fields |= posted_figures(form, whole) | posted_joint(form, whole)
    known = {str(file.id): file.sha256 for file in whole.files}
    rules = {str(rule.id): rule.id for rule in whole.rules}
    files: dict[str, int | None] = {}
    for entry in form.getlist("files"):
        evidence, rule, sha256 = (*entry.split(":"), "", "")[:3]
        if sha256 and sha256 != known.get(evidence):  # what is handed in last is a list of hashes, and they are checked
            raise Invalid(say("The form is damaged. Please open the page again."))
        if evidence in known:
            files[evidence] = rules.get(rule)
    gone = form.get("remove", "")
    fields["files"] = {evidence: rule for evidence, rule in files.items() if evidence != gone}
    return fields


def report_of(fields: Fields, values: Mapping[int, Value], words: str, joint: Shares | None = None) -> Report:
    """The report as the operation takes it. `joint`: what was done with units of other lines, by metric and unit."""
    files = {int(evidence): rule for evidence, rule in fields.get("files", {}).items()}
    kind = str(fields.get("kind", ""))
    known = {str(int(member)): member for member in CheckInKind}
    said = dict(fields.get("explanations") or {})
    return Report(words, values, files, known.get(kind, CheckInKind.PROGRESS), said, joint or {})


def lacking(fields: Fields, values: Mapping[int, Value], whole: Whole) -> list[Problem]:
    """What is still missing for a submission."""
    return missing(whole.needs, str(fields.get("words", "")), values, given(fields.get("files", {}), whole))


def sheet_of(
    fields: Fields, whole: Whole, errors: Mapping[str, tuple[str, ...]] | None = None, *, today: date
) -> Sheet:
    """The form as it is drawn: what was typed stays as it was typed, whether it is right or not."""
    errors = errors or {}
    values, wrong = read_values(fields, whole)
    wrong |= read_joint(fields, whole)[1]
    short = lacking(fields, values, whole)
    money = str(fields.get("money")) if fields.get("money") in MONEY else "yuan"
    found = doubts_in(fields, values, whole)
    kinds = {str(int(member)): member for member in CheckInKind}
    return Sheet(
        metrics=tuple(
            replace(
                metric_field(metric, fields, values, whole, errors, found, today),
                joint=joint_fields(metric, fields, errors),
            )
            for metric in whole.metrics
        ),
        boxes=boxes(fields.get("files", {}), values, whole, errors),
        words=str(fields.get("words", "")),
        note=str(fields.get("note", "")),
        kind=kinds.get(str(fields.get("kind", "")), CheckInKind.PROGRESS),
        money=money,
        money_choices=money_choices(whole, money),
        missing=_to_do(short, wrong),
        errors=errors,
    )


def _to_do(short: list[Problem], wrong: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """What is missing, by field; a figure that cannot be read says so, instead of being called empty."""
    known = {problem.where for problem in short}
    unread = [(name, sentences[0]) for name, sentences in wrong.items() if name not in known]
    return (*unread, *((at.where, wrong.get(at.where, (speak(at.sentence),))[0]) for at in short))
