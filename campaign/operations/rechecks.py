"""Random re-checks: the issuer draws from what was approved, another unit looks on the spot and says what it found."""

from datetime import datetime

from sqlalchemy import insert, literal, select, union, update

from ..clock import local_today
from ..db import Instant, db, insert_new
from ..errors import Forbidden, Invalid, NotFound, Problem, Refused, Stale, say
from ..models import Campaign, CampaignUnit, Delegation, Notice, Post, Sample, SampleItem, Task
from ..models.drawing import Draw, draw
from ..models.organisation import holds_on, stands_in_on
from ..rules.organisation import Actor, Level, PostFact, Role
from ..rules.rechecks import RecheckResult
from ..rules.telling import is_urgent
from .log import record
from .move import FASTER
from .repeating import once, remember

DRAWERS = (Role.DISPATCHER, Role.SUPERVISOR)
CHECKERS = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)
LONGEST_SEED = 40
LONGEST_WORDS = 1_000
DRAWN = "recheck:sample:draw"


def draw_sample(
    task_id: int,
    *,
    actor: Actor,
    now: datetime,
    level: Level,
    share: int,
    seed: str,
    reason: str,
    previewed: str,
    drawn_at: datetime,
    client_action_id: str | None = None,
) -> int:
    """Keeps the draw that was previewed and tells the units that check; the sample's id.

    `previewed`: the digest of the list that was shown, `drawn_at`: as of when. Stale when the list would be
    another by now. Forbidden unless the actor dispatches or supervises for an issuing unit.
    """
    content = {"task": task_id, "seed": seed, "share": share, "level": int(level)}
    before = once(client_action_id, actor=actor, subject="draw-sample", content=content, now=now)
    if before is not None:
        return int(before)
    post = issuing_post(task_id, actor=actor)
    problems = wrong_with(share, seed, reason)
    if problems:
        raise Invalid(say("Please look at what is marked."), problems)
    found = draw(task_id, level, share, seed.strip(), at=min(drawn_at, now))
    _as_shown(found, previewed, task_id, level, share, seed.strip())
    rows = [
        {"assignment_id": pick.chance.id, "stratum_id": pick.chance.stratum_id, "unit_id": pick.unit_id,
         "submission_id": pick.chance.submission_id, "result": RecheckResult.OPEN, "words": ""}
        for pick in found.picks if pick.unit_id is not None
    ]  # fmt: skip
    if not rows:
        raise Refused(say("Nothing was drawn that another unit could check."))
    sample_id: int = db.session.execute(
        insert(Sample)
        .values(
            task_id=task_id, seed=seed.strip(), share=share, level=int(level), drawn_from=found.drawn_from,
            population=found.population, reason=reason.strip(), person_id=actor.person_id, post_id=post.id,
            at=min(drawn_at, now),
        )
        .returning(Sample.id)
    ).scalar_one()  # fmt: skip
    db.session.execute(insert(SampleItem), [{**row, "sample_id": sample_id} for row in rows])
    event_id = record(
        tag=DRAWN,
        subject="recheck",
        subject_id=sample_id,
        actor=actor,
        post_id=post.id,
        now=now,
        reason=reason.strip(),
        data={"task": task_id, "seed": seed.strip(), "items": len(rows), "population": found.population,
              "digest": found.digest},
    )  # fmt: skip
    _tell(sample_id, event_id, now)
    remember(client_action_id, str(sample_id))
    return sample_id


def _as_shown(found: Draw, previewed: str, task_id: int, level: Level, share: int, seed: str) -> None:
    """Stale when the list would be another by now, Invalid when it was drawn before."""
    if found.digest != previewed:
        raise Stale(FASTER)
    same = (Sample.task_id == task_id, Sample.level == int(level), Sample.share == share, Sample.seed == seed)
    before = select(Sample.id).where(*same, Sample.drawn_from == found.drawn_from).limit(1)
    if db.session.execute(before).first() is not None:
        twice = say("This very list was drawn already, and it would be checked twice. Another seed gives another list.")
        raise Invalid(twice, [Problem("seed", twice)])


def wrong_with(share: int, seed: str, reason: str) -> list[Problem]:
    """What is wrong with the wishes of a draw."""
    problems = []
    if not 1 <= share <= 100:
        problems.append(Problem("share", say("Please give a share between 1 and 100 per cent.")))
    if not 0 < len(seed.strip()) <= LONGEST_SEED:
        problems.append(Problem("seed", say("Please give a seed of at most %(most)s characters.", most=LONGEST_SEED)))
    if not reason.strip() or len(reason) > 400:
        problems.append(Problem("reason", say("Please say why it is checked, at most 400 characters.")))
    return problems


def issuing_post(task_id: int, *, actor: Actor) -> PostFact:
    """The post in which the actor may draw for a task. NotFound where there is no task, Forbidden where there is no
    post."""
    row = db.session.execute(
        select(Campaign.id, Campaign.issuing_unit_id)
        .join(Task, Task.campaign_id == Campaign.id)
        .where(Task.id == task_id)
    ).first()
    if row is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    partners = db.session.execute(select(CampaignUnit.unit_id).where(CampaignUnit.campaign_id == row.id)).scalars()
    units = (row.issuing_unit_id, *partners)
    post = next((found for unit in units if (found := actor.post_in(unit, *DRAWERS))), None)
    if post is None:
        raise Forbidden(say("Only the issuing unit may draw."))
    return post


def report_result(
    sample_id: int,
    assignment_id: int,
    *,
    actor: Actor,
    now: datetime,
    result: RecheckResult,
    words: str,
    client_action_id: str | None = None,
) -> None:
    """Keeps what the checking unit found. Once; words are needed unless it is confirmed."""
    subject = f"recheck:{sample_id}:{assignment_id}"
    content = {"result": int(result), "words": words}
    if once(client_action_id, actor=actor, subject=subject, content=content, now=now) is not None:
        return
    key = (SampleItem.sample_id == sample_id, SampleItem.assignment_id == assignment_id)
    unit_id = db.session.execute(select(SampleItem.unit_id).where(*key)).scalar_one_or_none()
    post = None if unit_id is None else actor.post_in(unit_id, *CHECKERS)
    if post is None:
        raise NotFound(say("This does not exist, or it is not for you."))
    words = words.strip()
    problems = []
    if result is RecheckResult.OPEN:
        problems.append(Problem("result", say("Please say what you found.")))
    if len(words) > LONGEST_WORDS or (result is not RecheckResult.CONFIRMED and not words):
        problems.append(Problem("words", say("Please describe what differs, at most %(most)s characters.",
                                             most=LONGEST_WORDS)))  # fmt: skip
    if problems:
        raise Invalid(say("Please look at what is marked."), problems)
    kept = db.session.execute(
        update(SampleItem)
        .where(*key, SampleItem.result == RecheckResult.OPEN)
        .values(result=result, words=words, person_id=actor.person_id, post_id=post.id, at=now)
        .returning(SampleItem.assignment_id)
        .execution_options(synchronize_session=False)
    ).first()
    if kept is None:
        raise Refused(say("A colleague has already reported on this one."))
    record(
        tag="assignment:recheck:result",
        subject="assignment",
        subject_id=assignment_id,
        actor=actor,
        post_id=post.id,
        now=now,
        reason=words,
        data={"sample": sample_id, "result": result.name.lower()},
    )


def _tell(sample_id: int, event_id: int, now: datetime) -> None:
    """Everybody who may check in the units that were named, once."""
    units = select(SampleItem.unit_id).where(SampleItem.sample_id == sample_id)
    today = local_today(now)
    here = (Post.unit_id.in_(units), Post.role.in_(CHECKERS), holds_on(today))
    people = union(
        select(Post.person_id.label("person_id")).where(*here),
        select(Delegation.delegate_id.label("person_id")).join(Post, stands_in_on(today)).where(*here),
    ).subquery()
    rows = select(
        literal(DRAWN), literal(event_id), people.c.person_id, literal(now, Instant), literal(is_urgent(DRAWN))
    ).where(literal(True))
    names = ["tag", "event_id", "person_id", "created_at", "urgent"]
    db.session.execute(insert_new(Notice.__table__).from_select(names, rows))
