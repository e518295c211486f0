"""What the matrix of rights asks of reviews: a flag, and an approved report that was drawn for a sibling to check."""

from typing import Any

from sqlalchemy import func, select

from campaign.db import unit_of_work
from campaign.models import Flag, Post, Sample, SampleItem, Submission, Unit
from campaign.rules.flags import FlagKind
from campaign.rules.organisation import Level, Line
from campaign.rules.states import State
from tests import make

CHECKER = "city/county/t0/v1"


def reviewed(world: Any, tree: make.SmallTree) -> None:
    """A flag on what waits; a draw of the county's in which a sibling village checks what is approved."""
    waiting, approved = world.ids[State.SUBMITTED.name], world.ids[State.APPROVED.name]
    with unit_of_work() as session:

        def version(assignment_id: int) -> int:
            return session.scalars(
                select(func.max(Submission.id)).where(Submission.assignment_id == assignment_id)
            ).one()

        flag = Flag(
            assignment_id=waiting, submission_id=version(waiting), key="leap-1", kind=FlagKind.LEAP, score=100,
            at=make.NOW,
        )  # fmt: skip
        person_id = world.ids["dispatcher of the issuing unit"]
        post_id = session.scalars(select(Post.id).where(Post.person_id == person_id)).one()
        sample = Sample(
            task_id=world.ids["task APPROVED"], seed="2026", share=5, level=int(Level.TOWNSHIP), drawn_from="0" * 64,
            population=1, reason="例行抽查", person_id=person_id, post_id=post_id, at=make.NOW,
        )  # fmt: skip
        session.add_all([flag, sample])
        session.flush()
        checker = world.units[CHECKER, Line.WOMEN]
        stratum = session.get_one(Unit, world.units["city/county/t0", Line.WOMEN]).area_id
        session.add(
            SampleItem(
                sample_id=sample.id, assignment_id=approved, stratum_id=stratum, unit_id=checker,
                submission_id=version(approved),
            )
        )  # fmt: skip
        world.ids |= {"flag": flag.id, "sample": sample.id}
