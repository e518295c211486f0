"""What one assignment must reach, as every page and the roll-up read it."""

from decimal import Decimal

from campaign.db import db, unit_of_work
from campaign.models import Target
from campaign.models.goals import Goal, goals_of
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.targets import Quota
from tests import make


def test_the_target_of_a_sum_is_nobodys_until_it_is_split(app) -> None:
    town = make.area()
    unit = make.unit(town)
    campaign = make.campaign(unit)
    task = make.task(campaign)
    total = make.metric(task, target=Decimal(90), aggregation=Aggregation.SUM)
    each = make.metric(task, target=Decimal(5), aggregation=Aggregation.SUM, quota=Quota.PER_UNIT)
    rate = make.metric(task, target=Decimal(65), kind=MetricKind.RATE, aggregation=Aggregation.RATIO)
    person = make.metric(task, target=Decimal(2), aggregation=Aggregation.SUM, quota=Quota.PER_PERSON)
    one, other = make.assignment(task, unit), make.assignment(task, make.unit(make.area(parent=town)))
    with unit_of_work():
        db.session.add(Target(assignment_id=other.id, metric_id=total.id, value=Decimal(40)))

    found = goals_of([one.id, other.id])

    assert found[one.id] == {
        total.id: Goal(total.id, None, Decimal(90), False, None),
        each.id: Goal(each.id, Decimal(5), None, False, None),
        rate.id: Goal(rate.id, Decimal(65), None, False, None),
        person.id: Goal(person.id, None, None, False, None),
    }
    assert found[other.id][total.id] == Goal(total.id, Decimal(40), Decimal(90), True, None)
