"""Ten thousand submissions approved in one act, at the last level and on the way there; and their queue, opened."""

import json
from collections.abc import Iterator
from statistics import median
from typing import Any
from uuid import uuid4

from campaign.db import db, micros, unit_of_work
from campaign.operations.moving_many import approve_many
from campaign.operations.timers import review_dues
from campaign.rules.ladder import DEFAULT
from campaign.rules.organisation import Actor, Role
from campaign.rules.states import Action, State

from . import country, dispatching, limits
from .figures import Figure, against, timed
from .pages import REVIEWER, signed_in
from .stages import Stage
from .world import NOW, person

GOAL, QUEUE_GOAL_MS = 2.0, 100.0
LAST, ON_THE_WAY = str(country.CITY), f"{country.CITY},{country.PROVINCE}"
SEEN = 3  # the version of everything that waits
FIRST_RUNG = next(rung for rung in DEFAULT.rungs if rung.number == 10)  # of what waits for a review

SUBMISSIONS = """
INSERT INTO submission (assignment_id, number, words, person_id, post_id, at, chain, digest)
SELECT id, 1, '已完成', 6, 1, :now, :chain, :digest FROM assignment WHERE task_id = 3 ORDER BY id
"""
WAITING = """
UPDATE assignment SET state = 3, version = 3, reviewer_unit_id = 3, since = :now,
                      review_due_at = :now + id % 4 * 86400000000
WHERE task_id = 3
"""

TAGS = {False: "assignment:review:approve", True: "assignment:review:pass-up"}

# The limit: what was ticked is named by one parameter, an array or a list in JSON.
IDS = {False: "(SELECT value FROM json_each(:ids))", True: "(SELECT unnest(CAST(:ids AS bigint[])))"}
ACTION = """
INSERT INTO client_action (id, person_id, subject, digest, result, at)
VALUES (:key, 13, 'approve-many', :digest, :many, :now)
"""
EVENTS = """
INSERT INTO event (at, tag, subject, subject_id, person_id, post_id, from_state, to_state, reason, data)
SELECT :now, :tag, 'assignment', assignment_id, 13, :post, 'submitted', :after, '', :data
FROM submission WHERE assignment_id IN {ids}
"""
REVIEWS = """
INSERT INTO review (assignment_id, submission_id, step, unit_id, decision, words, digest, person_id, post_id, at, turn,
                    since, due_at)
SELECT a.id, s.id, 0, 3, :approve, '', s.digest, 13, :post, :now, 0, a.since, a.review_due_at
FROM assignment AS a JOIN submission AS s ON s.assignment_id = a.id WHERE a.id IN {ids}
"""
DELTAS = """
INSERT INTO tally_delta (task_id, unit_id, from_state, from_due, from_behind, to_state, to_due, to_behind)
SELECT task_id, unit_id, 3, due_at, 0, 5, due_at, 0 FROM assignment WHERE id IN {ids}
"""
MOVES = """
UPDATE assignment SET state = :state, version = version + 1, reviewer_unit_id = :to, review_step = :step,
                      review_due_at = :until, not_before = NULL, since = :now
WHERE id IN {ids} AND state = 3 AND version = 3
"""
NOTICES = """
INSERT INTO notice (tag, event_id, person_id, assignment_id, created_at)
SELECT :tag, e.id, p.person_id, a.id, :now FROM assignment AS a
JOIN event AS e ON e.subject = 'assignment' AND e.subject_id = a.id AND e.at = :now AND e.tag = :tag
JOIN post AS p ON p.unit_id = {unit} AND p.role = :role WHERE a.id IN {ids}
"""
TIMERS = """
INSERT INTO timer (sweep, fires_at, assignment_id, rung, after)
SELECT :sweep, :fires, id, :rung, :now FROM assignment WHERE id IN {ids}
"""


# What must be the same after the limit and after the product.
LEFT = (
    "SELECT a.state, a.version, a.reviewer_unit_id, a.review_step, a.review_due_at, a.since FROM assignment AS a",
    "SELECT at, tag, subject, subject_id, person_id, post_id, from_state, to_state, reason, data FROM event "
    "WHERE subject = 'assignment'",
    "SELECT assignment_id, submission_id, step, unit_id, decision, words, digest, person_id, post_id, at, turn, since, "
    "due_at FROM review",
    "SELECT unit_id, from_state, from_due, from_behind, to_state, to_due, to_behind FROM tally_delta",
    "SELECT tag, person_id, assignment_id, created_at, urgent FROM notice WHERE batch_id IS NULL",
    "SELECT sweep, fires_at, assignment_id, rung, after FROM timer",
)


class Run:
    """A city whose submissions all wait at its level; what one act over them needs is read before it is timed."""

    def __init__(self, stage: Stage, chain: str) -> None:
        self.stage, self.chain = stage, chain
        self.ids: list[int] = []
        self.key = ""
        self.actor: Actor
        self.values: dict[str, Any] = {}

    def prepare(self) -> None:
        """Back to where nothing of it was approved."""
        self.stage.reset()
        dispatching.by_product(self.stage, country.CITY)
        with self.stage.raw() as raw:
            raw.begin()
            raw.run(SUBMISSIONS, now=micros(NOW), chain=self.chain, digest=limits.DIGEST)
            raw.run(WAITING, now=micros(NOW))
            raw.commit()
        self.stage.settle()
        with self.stage.raw() as raw:
            self.ids = [row[0] for row in raw.run("SELECT id FROM assignment ORDER BY id").fetchall()]
        self.actor, self.key = person(REVIEWER), str(uuid4())
        self.values = self._values(review_dues({country.CITY}, now=NOW)[country.CITY])
        db.session.remove()

    def _values(self, until: Any) -> dict[str, Any]:
        on, at = self.chain == ON_THE_WAY, micros(NOW)
        post = next(post.id for post in self.actor.posts if post.role is Role.SUPERVISOR)
        target = State.SUBMITTED if on else State.APPROVED
        ids = self.ids if self.stage.name == "postgresql" else json.dumps(self.ids)
        data = f'{{"digest":"{limits.DIGEST}","number":1' + (',"reviewer":2,"step":0}' if on else ',"step":0}')
        return {
            "action": {"key": self.key, "digest": limits.DIGEST, "many": str(len(self.ids)), "now": at},
            "event": {"tag": TAGS[on], "post": post, "after": target.name.lower(), "data": data, "now": at, "ids": ids},
            "review": {"approve": int(Action.APPROVE), "post": post, "now": at, "ids": ids},
            "move": {
                "state": int(target), "to": country.PROVINCE if on else None, "step": int(on), "now": at, "ids": ids,
                "until": micros(until) if on else None,
            },
            "notice": {"tag": TAGS[on], "role": int(Role.SUPERVISOR if on else Role.OFFICER), "now": at, "ids": ids},
            "timer": {
                "sweep": int(FIRST_RUNG.sweep), "fires": micros(limits.time_of(FIRST_RUNG, until)),
                "rung": FIRST_RUNG.number, "now": at, "ids": ids,
            },
        }  # fmt: skip

    def limit(self) -> None:
        """Six statements, or seven: the next level has a timer for each, the last leaves a delta for the roll-up."""
        values, on = self.values, self.chain == ON_THE_WAY
        with self.stage.raw() as raw:
            ids = IDS[raw.postgres]
            raw.begin()
            raw.run(ACTION, **values["action"])
            raw.run(EVENTS.format(ids=ids), **values["event"])
            raw.run(REVIEWS.format(ids=ids), **values["review"])
            if not on:
                raw.run(DELTAS.format(ids=ids), ids=values["move"]["ids"])
            moved = raw.run(MOVES.format(ids=ids), **values["move"]).rowcount
            assert moved == len(self.ids), moved
            raw.run(NOTICES.format(ids=ids, unit=country.PROVINCE if on else "a.unit_id"), **values["notice"])
            if on:
                raw.run(TIMERS.format(ids=ids), **values["timer"])
            raw.commit()

    def product(self) -> None:
        """The act of the page, below the door."""
        with unit_of_work():
            done = approve_many(dict.fromkeys(self.ids, SEEN), actor=self.actor, now=NOW, client_action_id=self.key)
        assert done.count == len(self.ids), done
        db.session.remove()

    def left(self) -> list[list[str]]:
        """The rows that stand there now."""
        with self.stage.raw() as raw:
            return [sorted(map(str, map(tuple, raw.run(each).fetchall()))) for each in LEFT]


def measure(stage: Stage, *, rounds: int) -> Iterator[Figure]:
    """On a database without other work each time; first a look whether both leave the same rows."""
    for chain, where in ((LAST, "at the last level"), (ON_THE_WAY, "on to the next level")):
        with stage.app.app_context():
            run, found = Run(stage, chain), []
            for act in (run.limit, run.product):
                run.prepare()
                act()
                found.append(run.left())
            assert found[0] == found[1], "the limit leaves other rows than the product"
            pair = against(run.limit, run.product, rounds=rounds, before=run.prepare, warm=False)
            run.prepare()
        what = f"approving {len(run.ids):,} {where}"
        yield Figure(stage.name, what, pair.ratio, "x", GOAL, pair.detail)
    client = signed_in(stage, REVIEWER)
    for path, goal in (("/reviews", QUEUE_GOAL_MS), ("/reviews/many", None)):
        taken = []
        for _ in range(rounds + 1):
            taken.append(timed(lambda path=path: client.get(path)))  # type: ignore[misc]
        what = f"opening {path} with {len(run.ids):,} waiting"
        yield Figure(stage.name, what, median(taken[1:]) * 1e3, "ms", goal)
