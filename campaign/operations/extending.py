"""Moving the due date of one assignment by decision of its issuer. The first date stays visible for ever."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, func, update

from ..clock import local_today
from ..db import run
from ..errors import Forbidden, Invalid, Problem, Refused, Sentence, Stale, say
from ..models import Assignment
from ..models.facts import Standing
from ..models.prospects import by_decision
from ..notify.outbox import tell_posts
from ..rules.organisation import Actor, Role
from ..rules.planning import LAST_DAY
from ..rules.states import OPEN
from ..rules.transitions import Party, post_for
from .cascade_writing import tell_moved
from .following import bound_of, pull_below
from .log import record
from .move import FASTER, count, counted, standing_of
from .repeating import once
from .timers import arm, disarm

TAG = "assignment:issuer:extend"
LONGEST_REASON = 400
_ROWS: Any = Assignment.__table__
_EXTEND = (
    update(_ROWS)
    .where(_ROWS.c.id == bindparam("moved"), _ROWS.c.version == bindparam("seen"), _ROWS.c.state.in_(OPEN))
    .values(
        first_due_at=func.coalesce(_ROWS.c.first_due_at, _ROWS.c.due_at),
        due_at=bindparam("due"),
        cut_off_at=bindparam("cut_off"),
        behind_at=bindparam("behind"),
        own_dates=True,
        version=_ROWS.c.version + 1,
    )
    .returning(_ROWS.c.id)
)


def extend(
    assignment_id: int,
    due_on: date,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
    seen: int,
    client_action_id: str | None = None,
) -> None:
    """Makes one open assignment due on that day; the cut-off goes along by as many days.

    From then on an occasion or a calendar no longer moves it. What came out of it goes along where it would be due
    later; nothing is due later than what it came out of. Forbidden for others than the issuer's dispatchers,
    Invalid without a reason or for a day that is past, Refused when it is closed or due on that day already, Stale.
    """
    content = {"due_on": str(due_on), "reason": reason}
    if once(client_action_id, actor=actor, subject=f"extend:{assignment_id}", content=content, now=now) is not None:
        return
    facts = standing_of(assignment_id, reason.strip())
    if facts.version != seen:
        raise Stale(FASTER)
    post = post_for(Party.ISSUER, facts, actor)
    if post is None:
        raise Forbidden(say("None of your posts may do this here."))
    if facts.state not in OPEN:
        raise Refused(say("This is not possible any more in the present state."))
    _checked(facts, due_on, now)
    due_at, cut_off_at, behind_at = by_decision(
        facts.id, facts.batch_id, due_on, due_at=facts.due_at, cut_off_at=facts.cut_off_at
    )
    if due_at == facts.due_at:
        raise _invalid("due_on", say("It is due on this day already."))
    bound = bound_of(facts.id)
    if bound is not None and due_at > bound:
        raise _invalid("due_on", say("What is handed down is never due later than the whole, %(day)s.", day=bound))
    disarm(facts.id)
    values = {"moved": facts.id, "seen": seen, "due": due_at, "cut_off": cut_off_at, "behind": behind_at}
    if run(_EXTEND, values).first() is None:
        raise Stale(FASTER)
    event_id = record(
        tag=TAG, subject="assignment", subject_id=facts.id, actor=actor, post_id=post.id, now=now,
        from_state=facts.state, to_state=facts.state, reason=facts.reason,
        data={"old": facts.due_at, "new": due_at, "cut_off": cut_off_at},
    )  # fmt: skip
    tell_posts(facts.unit_id, Role.OFFICER, event_id=event_id, tag=TAG, assignment_id=facts.id, now=now)
    count(facts, counted(facts.due_at, facts.behind_at), facts.state, counted(due_at, behind_at))
    arm(facts.id, now=now, after=now)
    pulled = pull_below(facts.id, facts.task_id, due_at, now=now)
    tell_moved(pulled, event_id=event_id, tag=TAG, now=now)


def _checked(facts: Standing, due_on: date, now: datetime) -> None:
    if not facts.reason:
        raise _invalid("reason", say("Please say why, in a few words."))
    if len(facts.reason) > LONGEST_REASON:
        raise _invalid("reason", say("The text is too long: at most %(most)s characters.", most=LONGEST_REASON))
    if due_on < local_today(now):
        raise _invalid("due_on", say("This day is past. Please choose a day from today on."))
    if due_on > LAST_DAY:
        raise _invalid("due_on", say("Is the year right?"))


def _invalid(where: str, sentence: Sentence) -> Invalid:
    return Invalid(sentence, [Problem(where, sentence)])
