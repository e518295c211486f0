"""Responsibility letters: what they say is frozen, both sides sign it, and a new target needs a new number."""

from decimal import Decimal

import pytest

from campaign.db import db, unit_of_work
from campaign.errors import Forbidden, Refused, Stale
from campaign.models import Assignment, Letter, Target
from campaign.operations.letters import generate, sign
from campaign.queries.letters import Wanted, everything, letter, letters
from campaign.rules.metrics import Aggregation, MetricKind
from campaign.rules.organisation import Role
from campaign.rules.states import State
from campaign.rules.targets import Party, Quota
from tests import make


def done(function, *args, **kwargs):
    with unit_of_work():
        return function(*args, **kwargs)


def found_again(actor, name: str) -> None:
    """The list and its export find the letter by the name of a unit, and nothing by another."""
    rows = letters(actor, Wanted.ALL)[0]
    assert letters(actor, Wanted.ALL, text=name)[0] == rows == tuple(everything(actor, Wanted.ALL))
    assert letters(actor, Wanted.ALL, text="别处")[1] == len(list(everything(actor, Wanted.ALL, "别处"))) == 0


SAID = (
    "妇女之家建设目标责任书", "（清妇〔2026〕18号）",
    "1\t新建数\t不低于4个", "2\t覆盖率\t不低于65%", "3\t投入\t不低于25万元",
    "4\t基地\t不作要求", "2026年11月30日前完成",
)  # fmt: skip


def test_a_letter_is_made_signed_and_replaced(app, now):
    tree = make.small_tree()
    town, village = tree.unit(tree.townships[0]), tree.unit(tree.villages[0])
    plan = make.campaign(tree.unit(tree.county), "妇女之家建设", number="清妇〔2026〕18号")
    task = make.task(plan, "新建妇女之家", what="按四有标准新建")
    count = make.metric(task, target=9, aggregation=Aggregation.SUM, name="新建数", unit_of_measure="个")
    make.metric(task, MetricKind.RATE, target=65, name="覆盖率")
    money = make.metric(task, MetricKind.AMOUNT, target=250_000, name="投入", money_places=4)
    make.metric(task, target=0, name="基地", unit_of_measure="个", quota=Quota.PER_UNIT)
    parent = make.assignment(task, town)
    child = make.assignment(task, village, parent_id=parent.id)
    with unit_of_work():
        db.session.add(Target(assignment_id=child.id, metric_id=count.id, value=Decimal(4)))
    officer, head = tree.actor(tree.villages[0], Role.OFFICER), tree.actor(tree.townships[0], Role.SUPERVISOR)

    with pytest.raises(Forbidden):
        done(generate, child.id, actor=tree.actor(tree.county, Role.SUPERVISOR), now=now)
    first = done(generate, child.id, actor=head, now=now)
    found = db.session.get_one(Letter, first)
    said = (f"{town.name}（以下称甲方）与{village.name}（以下称乙方）", *SAID)
    assert [words for words in said if words not in found.content] == []
    with pytest.raises(Refused, match="says the same"):
        done(generate, child.id, actor=officer, now=now)

    with pytest.raises(Forbidden):
        done(sign, first, Party.BELOW, found.digest, actor=head, now=now)
    assert [item.id for item in letters(officer, Wanted.MINE)[0]] == [first]
    done(sign, first, Party.BELOW, found.digest, actor=officer, now=now)
    with pytest.raises(Stale):
        done(sign, first, Party.BELOW, found.digest, actor=officer, now=now)
    assert [letters(officer, Wanted.MINE)[1], *(letters(head, each)[1] for each in list(Wanted)[:2])] == [0, 1, 1]
    found_again(head, village.name)
    done(sign, first, Party.ABOVE, found.digest, actor=head, now=now)
    shown = letter(first, officer)
    assert {party: (each.who, each.role) for party, each in shown.signatures.items()} == {
        Party.ABOVE: (head.name, Role.SUPERVISOR), Party.BELOW: (officer.name, Role.OFFICER),
    }  # fmt: skip
    assert (shown.stands, shown.latest, letters(head, Wanted.SIGNED)[1]) == (True, True, 1)

    with unit_of_work():
        db.session.get_one(Target, (child.id, count.id)).value = Decimal(6)
    assert letter(first, officer).stands is False
    second = done(generate, child.id, actor=officer, now=now)
    with pytest.raises(Refused, match="newer letter"):
        done(sign, first, Party.ABOVE, found.digest, actor=head, now=now)
    newer = db.session.get_one(Letter, second)
    assert (newer.number, "不低于6个" in newer.content, "不低于4个" in found.content) == (2, True, True)
    assert money.money_places == 4

    for state in (State.CANCELLED, State.NOT_APPLICABLE):  # it is asked of nobody any more
        with unit_of_work():
            db.session.get_one(Assignment, child.id).state = state
            db.session.get_one(Target, (child.id, count.id)).value = Decimal(7 + int(state))
        with pytest.raises(Refused, match="nothing to sign"):
            done(sign, second, Party.ABOVE, newer.digest, actor=head, now=now)
        assert [letters(officer, wanted)[1] for wanted in Wanted] == [0] * len(Wanted), state
        with pytest.raises(Refused, match="present state"):
            done(generate, child.id, actor=officer, now=now)
