"""Writing campaigns: a plan becomes a draft, a draft is edited while it is one. Issuing and dispatching are elsewhere.

Only dispatchers of the issuing unit write its campaigns. Every edit names the version of the draft that its reader saw.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from ..db import db
from ..errors import Conflict, Forbidden, Invalid, NotFound, Problem, Refused, Stale, say
from ..models import Campaign, CampaignUnit, Occasion, Phase, Task, TaskLine, TaskUnit
from ..rules.dates import DueKind
from ..rules.organisation import Actor, Line, PostFact, Role
from ..rules.planning import (
    CampaignPlan,
    IssuerFacts,
    PhasePlan,
    TaskPlan,
    UnitRef,
    check_campaign,
    check_plan,
    check_task,
)
from ..rules.plans import CampaignStatus
from .ladders import unusable
from .log import record
from .naming import NamedUnit, NamedUnits
from .plan_evidence import evidence_row, loosen_proofs, tie_proofs
from .plan_metrics import MetricRefs, clear_metrics, metric_row, open_registers, write_parts
from .repeating import once, remember


@dataclass(frozen=True)
class _Issuer:
    """Who issues: the unit, those who issue with it, and the post in which the actor writes for it."""

    unit: NamedUnit
    together: tuple[NamedUnit, ...]
    post: PostFact | None

    @property
    def facts(self) -> IssuerFacts:
        """What the law needs to know."""
        return IssuerFacts(self.unit.level, frozenset({self.unit.line, *(unit.line for unit in self.together)}))


def create_campaign(plan: CampaignPlan, *, actor: Actor, now: datetime, client_action_id: str | None = None) -> int:
    """Writes the whole plan down as a draft and returns its id.

    Raises Invalid with a problem per field (located in the file, if the plan came from one), Forbidden for others than
    dispatchers of the issuing unit, Conflict when the key was taken in the same moment.
    """
    held = once(client_action_id, actor=actor, subject="plan:new", content={"plan": repr(plan)}, now=now)
    if held is not None:
        return int(held)
    units = NamedUnits.named_in(plan, now=now)
    issuer, problems = _issuer(plan, units, actor)
    problems += check_plan(plan, issuer.facts if issuer else None)
    if issuer:
        for at, task in enumerate(plan.tasks):
            problems += _receivers_in_reach(task, issuer, units, f"tasks.{at}.")
        keys = {"ladder": plan.ladder} | {f"tasks.{at}.ladder": task.ladder for at, task in enumerate(plan.tasks)}
        problems += unusable(keys, issuer.unit.id)
        refs = MetricRefs(issuer.unit, [metric for task in plan.tasks for metric in task.metrics], plan.registers)
        for at, task in enumerate(plan.tasks):
            problems += refs.problems(task.metrics, f"tasks.{at}.")
    higher, more = _higher(plan)
    problems += more + _key_taken(plan.key)
    if problems or issuer is None:
        raise _invalid(plan.locate(problems))
    campaign = Campaign(
        key=plan.key, author_id=actor.person_id, created_at=now, **_head_fields(plan, issuer, higher),
        phases=_phases(plan.phases), co_issuers=[CampaignUnit(unit_id=unit.id) for unit in issuer.together],
        occasions=[
            Occasion(position=at + 1, name=each.name, happens_on=each.on) for at, each in enumerate(plan.occasions)
        ],
    )  # fmt: skip
    db.session.add(campaign)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(say("A campaign with this key was written in the same moment.")) from error
    occasions = {each.name: each.id for each in campaign.occasions}
    campaign.tasks = [_task(task, at + 1, units, occasions) for at, task in enumerate(plan.tasks)]
    db.session.flush()
    refs.learn(open_registers(plan.registers, issuer.unit.id))
    write_parts([(row.metrics, task.metrics) for row, task in zip(campaign.tasks, plan.tasks, strict=True)], refs)
    tie_proofs(zip(campaign.tasks, plan.tasks, strict=True))
    _log("campaign:draft:create", campaign.id, issuer.post, actor, now, {"title": plan.title, "tasks": len(plan.tasks)})
    remember(client_action_id, str(campaign.id))
    return campaign.id


def edit_campaign(campaign_id: int, plan: CampaignPlan, *, actor: Actor, now: datetime, seen: int) -> None:
    """Replaces the head of a draft: everything but its tasks and its key. Raises as `create_campaign`, and Stale."""
    before = _held(campaign_id)
    _post_for(before.issuing_unit_id, actor)
    units = NamedUnits.named_in(replace(plan, tasks=()), now=now)
    issuer, problems = _issuer(plan, units, actor)
    problems += check_campaign(plan)
    higher, more = _higher(plan, campaign_id)
    problems += more + (unusable({"ladder": plan.ladder}, issuer.unit.id) if issuer else [])
    if issuer and issuer.unit.id != before.issuing_unit_id and before.tasks:
        problems.append(
            Problem("issuing_unit", say("The campaign has tasks already; another unit would issue other ones."))
        )
    if problems or issuer is None:
        raise _invalid(plan.locate(problems))
    _claim(campaign_id, seen, **_head_fields(plan, issuer, higher))
    campaign = db.session.execute(
        select(Campaign).where(Campaign.id == campaign_id).execution_options(populate_existing=True)
    ).scalar_one()
    campaign.phases = _phases(plan.phases)
    campaign.co_issuers = [CampaignUnit(unit_id=unit.id) for unit in issuer.together]
    db.session.flush()
    _log("campaign:draft:edit", campaign_id, issuer.post, actor, now, {"changed": ["head"]})


def add_task(
    campaign_id: int, task: TaskPlan, *, actor: Actor, now: datetime, seen: int, client_action_id: str | None = None
) -> int:
    """Adds a task at the end of a draft and returns its id. Raises as `create_campaign`, and Stale."""
    subject = f"task:new:{campaign_id}"
    held = once(client_action_id, actor=actor, subject=subject, content={"task": repr(task)}, now=now)
    if held is not None:
        return int(held)
    issuer, units, occasions, refs = _checked(campaign_id, task, actor, now)
    _claim(campaign_id, seen)
    last = db.session.execute(select(func.max(Task.position)).where(Task.campaign_id == campaign_id)).scalar_one()
    row = _task(task, (last or 0) + 1, units, occasions)
    row.campaign_id = campaign_id
    db.session.add(row)
    db.session.flush()
    write_parts([(row.metrics, task.metrics)], refs)
    tie_proofs([(row, task)])
    _log("campaign:draft:edit", campaign_id, issuer.post, actor, now, {"changed": [f"task {row.id}: added"]})
    remember(client_action_id, str(row.id))
    return row.id


def edit_task(task_id: int, task: TaskPlan, *, actor: Actor, now: datetime, seen: int) -> None:
    """Replaces a task of a draft, its place kept. `seen` is the campaign's version. Raises as `add_task`."""
    row = db.session.get(Task, task_id)
    if row is None:
        raise NotFound(say("There is no such task."))
    issuer, units, occasions, refs = _checked(row.campaign_id, task, actor, now)
    _claim(row.campaign_id, seen)
    loosen_proofs(task_id)
    clear_metrics(task_id)
    for name, value in _task_fields(task, occasions).items():
        setattr(row, name, value)
    _set_parts(row, task, units)
    db.session.flush()
    write_parts([(row.metrics, task.metrics)], refs)
    tie_proofs([(row, task)])
    _log("campaign:draft:edit", row.campaign_id, issuer.post, actor, now, {"changed": [f"task {task_id}"]})


def remove_task(task_id: int, *, actor: Actor, now: datetime, seen: int) -> None:
    """Takes a task out of a draft. Raises Forbidden, Stale, Refused once the campaign is issued."""
    row = db.session.get(Task, task_id)
    if row is None:
        raise NotFound(say("There is no such task."))
    campaign_id, title = row.campaign_id, row.title
    post = _post_for(_held(campaign_id).issuing_unit_id, actor)
    _claim(campaign_id, seen)
    loosen_proofs(task_id)
    clear_metrics(task_id)
    db.session.delete(row)
    db.session.flush()
    _log("campaign:draft:edit", campaign_id, post, actor, now, {"changed": [f"task {task_id}: removed: {title}"]})


def _issuer(plan: CampaignPlan, units: NamedUnits, actor: Actor) -> tuple[_Issuer | None, list[Problem]]:
    """Who issues. Raises Forbidden when the actor is no dispatcher there."""
    if plan.issuing_unit == UnitRef():
        return None, []  # the law says so already
    unit, problems = units.one(plan.issuing_unit, "issuing_unit")
    if unit is None:
        return None, problems
    post = _post_for(unit.id, actor)
    together: list[NamedUnit] = []
    for at, ref in enumerate(plan.co_issuers):
        other, more = units.one(ref, f"co_issuers.{at}")
        problems += more
        if other is None:
            continue
        if other.id == unit.id or other in together:
            problems.append(Problem(f"co_issuers.{at}", say("This unit is named twice among those who issue.")))
        elif not unit.contains(other) or unit.line not in (Line.PARTY, other.line):
            sentence = say("%(unit)s is not in sight of %(issuer)s.", unit=other.name, issuer=unit.name)
            problems.append(Problem(f"co_issuers.{at}", sentence))
        else:
            together.append(other)
    return _Issuer(unit, tuple(together), post), problems


def _receivers_in_reach(task: TaskPlan, issuer: _Issuer, units: NamedUnits, at: str = "") -> list[Problem]:
    """Named units lie in the issuing unit's area, and are of a line that those who issue may ask."""
    problems: list[Problem] = []
    lines = issuer.facts.lines
    for place, ref in enumerate(task.units):
        where = f"{at}units.{place}"
        unit, more = units.one(ref, where)
        problems += more
        if unit is None:
            continue
        if not issuer.unit.contains(unit) or (Line.PARTY not in lines and unit.line not in lines):
            sentence = say("%(unit)s is not in sight of %(issuer)s.", unit=unit.name, issuer=issuer.unit.name)
            problems.append(Problem(where, sentence))
        elif task.lines and unit.line not in task.lines:
            problems.append(Problem(where, say("%(unit)s is of another line than the task.", unit=unit.name)))
    return problems


def _checked(
    campaign_id: int, task: TaskPlan, actor: Actor, now: datetime
) -> tuple[_Issuer, NamedUnits, dict[str, int], MetricRefs]:
    """Who issues the task's campaign, the units it names, the campaign's occasions by name, and what its metrics refer
    to; raises Invalid when the task does not hold."""
    campaign = _held(campaign_id)
    post = _post_for(campaign.issuing_unit_id, actor)
    own = UnitRef(id=campaign.issuing_unit_id)
    others = [UnitRef(id=row.unit_id) for row in campaign.co_issuers]
    units = NamedUnits((own, *others, *task.units), now=now)
    unit, _ = units.one(own, "")
    if unit is None:
        raise Refused(say("The issuing unit is no longer valid."))
    together = tuple(found for ref in others if (found := units.one(ref, "")[0]))
    issuer = _Issuer(unit, together, post)
    held = select(Occasion.name, Occasion.id).where(Occasion.campaign_id == campaign_id).order_by(Occasion.position)
    occasions = dict(db.session.execute(held).tuples().all())
    problems = check_task(task, issuer.facts, tuple(occasions)) + _receivers_in_reach(task, issuer, units)
    problems += unusable({"ladder": task.ladder}, unit.id)
    refs = MetricRefs(unit, task.metrics)
    problems += refs.problems(task.metrics)
    if problems:
        raise _invalid(problems)
    return issuer, units, occasions, refs


def _held(campaign_id: int) -> Campaign:
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound(say("There is no such campaign."))
    return campaign


def _post_for(unit_id: int, actor: Actor) -> PostFact | None:
    """The dispatcher's post in the issuing unit; the system needs none."""
    post = actor.post_in(unit_id, Role.DISPATCHER)
    if post is None and not actor.is_system:
        raise Forbidden(say("Only dispatchers of the issuing unit may write its campaigns."))
    return post


def _claim(campaign_id: int, seen: int, **fields: object) -> None:
    """The winner of an edit is decided here: only the draft in the version that was seen is changed."""
    done = db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.version == seen, Campaign.status == CampaignStatus.DRAFT)
        .values(version=Campaign.version + 1, **fields)
        .returning(Campaign.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is not None:
        return
    status = db.session.execute(select(Campaign.status).where(Campaign.id == campaign_id)).scalar_one()
    if status is not CampaignStatus.DRAFT:
        raise Refused(say("The campaign has been issued and can no longer be edited."))
    raise Stale(say("Somebody changed this draft meanwhile. Your change did not take effect; please look again."))


def _higher(plan: CampaignPlan, own_id: int | None = None) -> tuple[int | None, list[Problem]]:
    """The campaign that this one carries out."""
    if plan.higher_campaign_id is None and plan.higher_campaign_key is None:
        return None, []
    wanted = (
        Campaign.id == plan.higher_campaign_id
        if plan.higher_campaign_id is not None
        else Campaign.key == plan.higher_campaign_key
    )
    found = db.session.execute(select(Campaign.id).where(wanted)).scalar_one_or_none()
    if found is None or found == own_id:
        return None, [Problem("higher_campaign", say("There is no such campaign above this one."))]
    return found, []


def _key_taken(key: str | None) -> list[Problem]:
    if key is None or db.session.execute(select(Campaign.id).where(Campaign.key == key)).first() is None:
        return []
    return [Problem("key", say("A campaign with the key %(key)s exists already.", key=key))]


def _head_fields(plan: CampaignPlan, issuer: _Issuer, higher: int | None) -> dict[str, object]:
    return {
        "title": plan.title, "number": plan.number, "issuing_unit_id": issuer.unit.id, "higher_campaign_id": higher,
        "based_on": plan.based_on, "theme": plan.theme, "ground": plan.ground,
        "starts_on": plan.starts_on, "ends_on": plan.ends_on, "ladder_key": plan.ladder,
        "extension_days": plan.extension_days, "extension_most": plan.extension_most,
    }  # fmt: skip


def _phases(phases: tuple[PhasePlan, ...]) -> list[Phase]:
    return [
        Phase(position=at + 1, name=phase.name, starts_on=phase.starts_on, ends_on=phase.ends_on, words=phase.words)
        for at, phase in enumerate(phases)
    ]


def _task(task: TaskPlan, position: int, units: NamedUnits, occasions: Mapping[str, int]) -> Task:
    row = Task(position=position, **_task_fields(task, occasions))
    _set_parts(row, task, units)
    return row


def _task_fields(task: TaskPlan, occasions: Mapping[str, int]) -> dict[str, object]:
    kind = task.due_kind
    counted = kind in (DueKind.RELATIVE, DueKind.OCCASION)
    return {
        "key": task.key, "title": task.title, "what": task.what, "why": task.why, "grade": task.grade,
        "ladder_key": task.ladder, "receiving_level": task.receiving_level, "due_kind": kind,
        "due_on": task.due_on if kind is DueKind.FIXED else None,
        "due_days": task.due_days if counted else None,
        "occasion_id": occasions[task.occasion] if kind is DueKind.OCCASION else None,
        "respond_days": task.respond_days, "grace_days": task.grace_days, "review_days": task.review_days,
        "days": task.days, "counts_from": task.counts_from, "roll": task.roll, "min_characters": task.min_characters,
        "review_levels": ",".join(str(int(level)) for level in sorted(task.review_levels)),
        **asdict(task.recurring),
    }  # fmt: skip


def _set_parts(row: Task, task: TaskPlan, units: NamedUnits) -> None:
    """Lines, named units, evidence rules and metrics; the lines of named units are the task's lines."""
    named = [unit for ref in task.units if (unit := units.one(ref, "")[0])]
    lines = {unit.line for unit in named} or set(task.lines)
    row.lines = [TaskLine(line=line) for line in sorted(lines)]
    row.units = [TaskUnit(unit_id=unit_id) for unit_id in sorted({unit.id for unit in named})]
    row.evidence_rules = [evidence_row(rule, at + 1) for at, rule in enumerate(task.evidence)]
    row.metrics = [metric_row(metric, at + 1) for at, metric in enumerate(task.metrics)]


def _invalid(problems: list[Problem]) -> Invalid:
    return Invalid(say("The plan does not hold yet. Nothing was changed."), problems)


def _log(
    tag: str, campaign_id: int, post: PostFact | None, actor: Actor, now: datetime, data: dict[str, object]
) -> None:
    record(
        tag=tag, subject="campaign", subject_id=campaign_id, actor=actor, now=now,
        post_id=post.id if post else None, data=data,
    )  # fmt: skip
