"""A past day by what changed since equals the same day added up anew, at every level."""

from datetime import timedelta

from sqlalchemy import select, update

from campaign.db import db, unit_of_work
from campaign.documents.tables import table_of
from campaign.models import Area, Assignment, Event, Milestone
from campaign.operations.areas import import_areas
from campaign.operations.folding import fold
from campaign.operations.milestones import bring_milestones
from campaign.operations.taking_back import take_back
from campaign.queries.board import head_for
from campaign.queries.board_figures import Place
from campaign.queries.rollup_past import rollup_at
from campaign.queries.rollup_since import rollup_since
from campaign.rules.figures import Standing
from campaign.rules.former_tree import FormerTree
from campaign.rules.organisation import SYSTEM, Line, Role
from tests import make
from tests.operations.test_figures import Play
from tests.operations.test_joint import Together

HOUR = timedelta(hours=1)


class Remembered(Play):
    """The same, one thing after another: what happened stands in the log with its time."""

    def move(self, one, state):
        super().move(one, state)
        said = {"subject": "assignment", "subject_id": one.id, "person_id": 1, "tag": "assignment.moved"}
        db.session.add(Event(**said, at=make.NOW, to_state=state.name.lower()))
        db.session.execute(update(Assignment).where(Assignment.id == one.id).values(since=make.NOW))
        db.session.flush()


def told(metrics, area, at, tree, lines):
    """What both say of that area, metric by metric: the sums of each standing, and its own target."""
    place = Place(area.id, area.name, area.level, area.lft, area.rgt)
    both = (
        rollup_since(metrics, place, tree, at=at, lines=lines),
        rollup_at(metrics, area.id, at=at, lines=lines, moved=bool(tree.moves)),
    )
    return [
        {id: ([each.sums(standing) for standing in Standing], each.own_target) for id, each in said.items()}
        for said in both
    ]


def test_what_changed_since_taken_away_leaves_what_was(app, now, monkeypatch):
    with unit_of_work():
        play = Remembered(now.day)
        villages = [play.tree.unit(place) for place in play.tree.villages]
        towns = [play.tree.unit(place) for place in play.tree.townships]
        play.dispatch(villages[:4] + towns + [play.tree.unit(play.tree.villages[0], Line.UNION)])
    moments = [now - HOUR]
    for turn in range(12):
        moments.append(make.NOW)
        monkeypatch.setattr(make, "NOW", make.NOW + HOUR)
        with unit_of_work():
            if turn == 4:
                gone, to = play.tree.villages[0], play.tree.townships[-1]
                row = (gone.code, gone.name, "village", to.code)
                import_areas(
                    table_of("areas.csv", ("code", "name", "level", "parent_code"), [row]), actor=SYSTEM, now=make.NOW
                )
            if turn == 7:
                play.dispatch(villages[:3], period=1)
            play.step()
            play.step()
            fold(now=make.NOW, limit=play.chance.randint(1, 9))
            if turn == 9:
                bring_milestones(now=now + timedelta(days=40))
        if turn in (6, 11):
            compared(play, moments)


def compared(play, moments) -> None:
    """Asks both for some of these moments, in some areas."""
    metrics = [metric.id for metric in play.metrics]
    tree = head_for(play.task.campaign_id, SYSTEM).tree
    areas = db.session.scalars(select(Area).order_by(Area.id)).all()
    for at in play.chance.sample(moments, 2):
        for area in (areas[1], *play.chance.sample(areas, 2)):
            lines = play.chance.choice([None, [Line.WOMEN], [Line.UNION]])
            said, again = told(metrics, area, at, tree, lines)
            assert said == again, (area.name, at, lines)


def test_a_decision_that_is_taken_back_later_stood_then_in_every_line(app, now):
    """Nothing says when an approval was taken back but the taking back itself: since when it waits is as before."""
    story = Together(now)
    story.report(Line.WOMEN, 10, Line.UNION, 3)
    story.now = now + timedelta(minutes=5)
    story.approve()
    at = story.now + timedelta(seconds=2)
    with unit_of_work():
        while fold(now=at):
            pass
        boss = story.tree.actor(story.tree.county, Role.SUPERVISOR)
        take_back(story.id(Line.WOMEN), actor=boss, now=story.now + timedelta(seconds=4), seen=5)
    for area in (story.tree.county, story.village):
        place = Place(area.id, area.name, area.level, area.lft, area.rgt)
        stood = [
            rollup_since([story.metric], place, FormerTree(), at=at, lines=lines)[story.metric].value().number
            for lines in ([Line.WOMEN], [Line.UNION], None)
        ]
        assert stood == [10, 3, 10]
        rolled = rollup_since([story.metric], place, FormerTree(), at=now + timedelta(minutes=9), most=0)
        assert (rolled[story.metric].approved, rolled[story.metric].pending) == (0, 1)
    with unit_of_work() as session:
        session.add(Milestone(metric_id=story.metric, due_on=now.date() + timedelta(1), target=4))
    county = Place(story.tree.county.id, "", story.tree.county.level, 1, 10)
    assert rollup_since([story.metric], county, FormerTree(), at=at, most=0) is None, "another milestone: counted anew"
    assert rollup_since([story.metric], county, FormerTree(), at=at)[story.metric].approved == 1
