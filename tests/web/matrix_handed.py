"""What is split, counted and signed in the world of the matrix of rights."""

from typing import Any

from campaign.db import db, unit_of_work
from campaign.models import Letter, Person, Register, Task
from campaign.operations.letters import generate
from campaign.rules.metrics import Aggregation
from campaign.rules.organisation import Line, Role
from campaign.rules.states import State
from campaign.rules.targets import Compares
from tests import make


def handed_down(world: Any, tree: make.SmallTree) -> None:
    """What the city gave the county's unit, to be split among the units below; figures to split; a register; a letter
    that nobody has signed."""
    county = tree.unit(tree.county)
    plan = make.campaign(db.session.get_one(make.Unit, world.units["city", Line.WOMEN]), "市里的活动")
    made = make.assignment(make.task(plan, "分解到村", units=[county], lines=[]), county, State.ACKNOWLEDGED)
    world.ids["county's"] = made.id
    for task_id in (made.task_id, world.ids["task ISSUED"]):
        fields = {"aggregation": Aggregation.SUM, "compares": Compares.BASELINE}
        metric = make.metric(db.session.get_one(Task, task_id), target=30, **fields)
        world.ids["metric"] = metric.id
    with unit_of_work() as session:
        session.add(register := Register(unit_id=county.id, name="在册妇女"))
        session.flush()
        world.ids["register"] = register.id
    post = make.post(make.person(), county, Role.SUPERVISOR)
    signer = make.actor(db.session.get_one(Person, post.person_id))
    with unit_of_work():
        world.ids["letter"] = generate(made.id, actor=signer, now=make.NOW)
    world.letter_digest = db.session.get_one(Letter, world.ids["letter"]).digest
