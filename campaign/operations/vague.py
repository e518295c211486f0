"""No campaign is issued with a target that nobody can measure: a figure is given, or it is marked as not measurable."""

from sqlalchemy import select

from ..db import db
from ..errors import Refused, say
from ..models import Metric, Task
from ..rules.targets import Relative
from ..rules.vague import Aim, undecided


def hold_vague(campaign_id: int) -> None:
    """Refused with the first vague target of the campaign, its word at hand. One statement."""
    rows = db.session.execute(
        select(Task.title, Metric.name, Metric.note, Metric.word, Metric.target, Metric.measurable)
        .join(Metric, Metric.task_id == Task.id)
        .where(Task.campaign_id == campaign_id, Metric.target.is_(None), Metric.measurable,
               Metric.relative == Relative.NOTHING)
        .order_by(Task.position, Metric.position)
    )  # fmt: skip
    for title, *aim in rows:
        word = undecided(Aim(*aim))
        if word:
            sentence = say(
                "The target of “%(metric)s” in “%(task)s” is vague: “%(word)s” is no figure. Please give one, or mark "
                "it as not measurable; then the campaign can be issued.",
                metric=aim[0],
                task=title,
                word=word,
            )
            raise Refused(sentence)
