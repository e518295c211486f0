"""Plan files: a campaign written in YAML becomes a `CampaignPlan`. The format is described in docs/campaign-files.md.

The file is composed into nodes, never constructed into objects, so that every problem knows its line, and nothing in
the file can be more than words, lists and fields.
"""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ..errors import Invalid, Problem, say
from ..rules.calendars import Roll
from ..rules.organisation import LINE_NAMES, Level, Line
from ..rules.phrases import DocumentDate
from ..rules.planning import (
    CampaignPlan,
    EvidencePlan,
    OccasionPlan,
    PhasePlan,
    TaskPlan,
    UnitRef,
    check_plan,
)
from ..rules.plans import EvidenceKind, Grade
from .dues import ROLLS, read_due
from .nodes import Fields, FileProblem, Form, NodeReader
from .plan_metrics import METRIC_FORM, REGISTER_FORM, read_metric, read_register
from .recurring import read_recurring

LARGEST_FILE = 256 * 1024
DEEPEST = 12

LINES = {**{line.name.lower(): line for line in Line}, **{name: line for line, name in LINE_NAMES.items()}}
LEVELS = {
    **{level.name.lower(): level for level in Level},
    "市": Level.CITY,
    "县": Level.COUNTY,
    "乡镇": Level.TOWNSHIP,
    "村": Level.VILLAGE,
    "组织": Level.ORGANISATION,
}
GRADES = {"binding": Grade.BINDING, "best_effort": Grade.BEST_EFFORT, "要": Grade.BINDING, "确保": Grade.BINDING,
          "努力": Grade.BEST_EFFORT, "力争": Grade.BEST_EFFORT, "争取": Grade.BEST_EFFORT}  # fmt: skip
EVIDENCE_KINDS = {kind.name.lower(): kind for kind in EvidenceKind}

UNIT_FORM = Form("area", "line")
PHASE_FORM = Form("name", "starts_on", "ends_on", "words")
OCCASION_FORM = Form("name", "on", "invented")
EVIDENCE_FORM = Form("name", "kind", "min", "ground", "item", "in_time", "invented")
TASK_FORM = Form(
    "key", "title", "what", "why", "lines", "receiving_level", "units", "grade", "due", "recurs", "roll",
    "respond_days", "grace_days", "review_days", "ladder", "min_characters", "review_levels", "evidence", "metrics",
    "invented",
)  # fmt: skip
CAMPAIGN_FORM = Form(
    "format", "key", "title", "number", "issuing_unit", "co_issuers", "higher_campaign", "based_on", "theme", "ground",
    "starts_on", "ends_on", "phases", "occasions", "registers", "ladder", "extension_days", "extension_most",
    "tasks", "invented",
)  # fmt: skip


def read_plan(path: Path) -> CampaignPlan:
    """The plan in that file. Raises Invalid, whose problems are `FileProblem`s: file, line and field."""
    with path.open("rb") as stream:
        return read_plan_bytes(stream.read(LARGEST_FILE + 1), path.name)


def read_plan_bytes(content: bytes, filename: str) -> CampaignPlan:
    """The plan in these bytes of a file of that name. Raises Invalid as `read_plan` does; status 413 when too large."""
    reader = NodeReader(filename)
    node = reader.compose(_decoded(content, reader), DEEPEST)
    plan = _campaign(reader, node)
    problems: Sequence[Problem] = reader.problems or reader.locate(check_plan(plan))
    if problems:
        raise Invalid(say("%(file)s cannot be loaded. Nothing was changed.", file=filename), list(problems))
    return plan


def _decoded(content: bytes, reader: NodeReader) -> str:
    if len(content) > LARGEST_FILE:
        raise Invalid(
            say("The file is too large; a plan has at most %(most)s KB.", most=LARGEST_FILE // 1024), status=413
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        reader.fail(line, "", say("The file is not UTF-8 text. Please save it as UTF-8."))
    if not text.strip():
        reader.fail(1, "", say("The file is empty."))
    return text


def _campaign(reader: NodeReader, node: yaml.Node) -> CampaignPlan:
    head = reader.mapping(node, "", CAMPAIGN_FORM)
    if head.text("format") not in ("", "1"):
        head.wrong("format", say("Only format 1 is known."))
    document = DocumentDate(head.text("number"), head.day("starts_on"))
    return CampaignPlan(
        title=head.text("title"),
        issuing_unit=_unit(head, "issuing_unit"),
        key=head.text("key") or None,
        number=head.text("number") or None,
        co_issuers=tuple(_units(head, "co_issuers")),
        higher_campaign_key=head.text("higher_campaign") or None,
        based_on=head.lines("based_on"),
        theme=head.text("theme"),
        ground=head.lines("ground"),
        starts_on=document.starts_on,
        ends_on=head.day("ends_on"),
        phases=tuple(_phase(fields) for fields in head.mappings("phases", PHASE_FORM)),
        occasions=tuple(
            OccasionPlan(fields.text("name"), fields.day("on")) for fields in head.mappings("occasions", OCCASION_FORM)
        ),
        registers=tuple(read_register(fields) for fields in head.mappings("registers", REGISTER_FORM)),
        ladder=head.text("ladder"),
        extension_days=head.whole("extension_days") or 0,
        extension_most=head.whole("extension_most") or 0,
        tasks=tuple(_task(fields, document) for fields in head.mappings("tasks", TASK_FORM)),
        invented=tuple(_invented(reader, head)),
        locate=reader.locate,
    )


def _phase(fields: Fields) -> PhasePlan:
    return PhasePlan(fields.text("name"), fields.day("starts_on"), fields.day("ends_on"), fields.lines("words"))


def _task(fields: Fields, document: DocumentDate) -> TaskPlan:
    due = read_due(fields, document)
    return TaskPlan(
        title=fields.text("title"),
        key=fields.text("key") or None,
        what=fields.lines("what"),
        why=fields.lines("why"),
        lines=tuple(fields.choices("lines", LINES)),
        receiving_level=fields.choice("receiving_level", LEVELS),
        units=tuple(_units(fields, "units")),
        grade=fields.choice("grade", GRADES) or (Grade.BEST_EFFORT if due.best_effort else Grade.BINDING),
        due_kind=due.kind,
        due_on=due.on,
        due_days=due.days,
        days=due.count,
        counts_from=due.counts_from,
        occasion=due.occasion,
        recurring=read_recurring(fields),
        roll=fields.choice("roll", ROLLS) or Roll.STAY,
        respond_days=fields.whole("respond_days"),
        grace_days=fields.whole("grace_days"),
        review_days=fields.whole("review_days"),
        ladder=fields.text("ladder"),
        min_characters=fields.whole("min_characters") or 0,
        review_levels=tuple(sorted(fields.choices("review_levels", LEVELS), reverse=True)),
        evidence=tuple(_evidence(part) for part in fields.mappings("evidence", EVIDENCE_FORM)),
        metrics=tuple(read_metric(part, document) for part in fields.mappings("metrics", METRIC_FORM)),
    )


def _evidence(fields: Fields) -> EvidencePlan:
    least = fields.whole("min")
    return EvidencePlan(
        name=fields.text("name"),
        kind=fields.choice("kind", EVIDENCE_KINDS) or EvidenceKind.ANY,
        min_count=1 if least is None else least,
        ground=fields.text("ground"),
        item=fields.text("item"),
        in_time=fields.yes_or_no("in_time", otherwise=False),
    )


def _unit(fields: Fields, name: str) -> UnitRef:
    """A unit by its full name, or by the code of its area and its line."""
    if not fields.is_mapping(name):
        return UnitRef(name=fields.text(name))
    return _unit_at(fields.mapping(name, UNIT_FORM))


def _units(fields: Fields, name: str) -> list[UnitRef]:
    return [
        _unit_at(item) if isinstance(item, Fields) else UnitRef(name=item)
        for item in fields.words_or_mappings(name, UNIT_FORM)
    ]


def _unit_at(fields: Fields) -> UnitRef:
    for name in UNIT_FORM.names:
        if not fields.has(name):
            fields.wrong(name, say("A unit needs the code of its area and its line."))
    return UnitRef(area=fields.text("area"), line=fields.choice("line", LINES))


def _invented(reader: NodeReader, head: Fields) -> list[str]:
    """The paths of all fields that are marked as not from the source document."""
    marked = [f"{name}" for name in head.invented()]
    for fields in reader.seen:
        if fields.path:
            marked += [f"{fields.path}.{name}" for name in fields.invented()]
    return marked


__all__ = ["FileProblem", "read_plan", "read_plan_bytes"]
