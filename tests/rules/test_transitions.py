"""The law of an assignment as a table: every state, every action, every party. What is not written is forbidden."""

from itertools import product

import pytest

from campaign.rules.organisation import SYSTEM, Actor, Level, Line, PostFact, Role
from campaign.rules.states import Action, ReturnReason, State
from campaign.rules.transitions import TABLE, Audience, Facts, Party, offers, post_for, reason_given, row_for

UNIT, BELOW, REVIEWING, ABOVE, DECIDING, ISSUING, CO_ISSUING, ELSEWHERE = 10, 15, 20, 25, 26, 30, 31, 99
ME, SUBMITTER, FORMER_REVIEWER = 7, 8, 9

# (action, from) -> who may, where it leads at the last level, and where when further levels remain.
LAW = {
    (Action.ACKNOWLEDGE, State.ISSUED): (Party.REPORTER, State.ACKNOWLEDGED, State.ACKNOWLEDGED),
    (Action.SUBMIT, State.ACKNOWLEDGED): (Party.REPORTER, State.SUBMITTED, State.SUBMITTED),
    (Action.SUBMIT, State.RETURNED): (Party.REPORTER, State.SUBMITTED, State.SUBMITTED),
    (Action.WITHDRAW, State.SUBMITTED): (Party.REPORTER, State.ACKNOWLEDGED, State.ACKNOWLEDGED),
    (Action.APPROVE, State.SUBMITTED): (Party.REVIEWER, State.APPROVED, State.SUBMITTED),
    (Action.RETURN, State.SUBMITTED): (Party.REVIEWER, State.RETURNED, State.RETURNED),
    (Action.PASS_OVER, State.SUBMITTED): (Party.ABOVE, None, State.SUBMITTED),  # never the last level
    (Action.REOPEN, State.APPROVED): (Party.ISSUER, State.ACKNOWLEDGED, State.ACKNOWLEDGED),
    (Action.REOPEN, State.NOT_APPLICABLE): (Party.ISSUER, State.ACKNOWLEDGED, State.ACKNOWLEDGED),
    (Action.DISPUTE, State.ISSUED): (Party.REPORTER, State.DISPUTED, State.DISPUTED),
    (Action.SETTLE, State.DISPUTED): (Party.DECIDER, State.ISSUED, State.ISSUED),
    (Action.RETRACT, State.DISPUTED): (Party.REPORTER, State.ISSUED, State.ISSUED),
    (Action.EXEMPT, State.ISSUED): (Party.DECIDER, State.NOT_APPLICABLE, State.NOT_APPLICABLE),
    (Action.EXEMPT, State.ACKNOWLEDGED): (Party.DECIDER, State.NOT_APPLICABLE, State.NOT_APPLICABLE),
    (Action.EXEMPT, State.RETURNED): (Party.DECIDER, State.NOT_APPLICABLE, State.NOT_APPLICABLE),
    (Action.UNDO, State.SUBMITTED): (Party.LAST_REVIEWER, State.SUBMITTED, State.SUBMITTED),
    (Action.UNDO, State.RETURNED): (Party.LAST_REVIEWER, State.SUBMITTED, State.SUBMITTED),
    (Action.UNDO, State.APPROVED): (Party.LAST_REVIEWER, State.SUBMITTED, State.SUBMITTED),
    (Action.CANCEL, State.DISPUTED): (Party.ISSUER, State.CANCELLED, State.CANCELLED),
    (Action.CANCEL, State.ISSUED): (Party.ISSUER, State.CANCELLED, State.CANCELLED),
    (Action.CANCEL, State.ACKNOWLEDGED): (Party.ISSUER, State.CANCELLED, State.CANCELLED),
    (Action.CANCEL, State.SUBMITTED): (Party.ISSUER, State.CANCELLED, State.CANCELLED),
    (Action.CANCEL, State.RETURNED): (Party.ISSUER, State.CANCELLED, State.CANCELLED),
}
STANDS_IN = {
    Party.REPORTER: (UNIT, Role.OFFICER),
    Party.REVIEWER: (REVIEWING, Role.SUPERVISOR),
    Party.ISSUER: (ISSUING, Role.DISPATCHER),
    Party.ABOVE: (ABOVE, Role.SUPERVISOR),
    Party.DECIDER: (DECIDING, Role.DISPATCHER),
    Party.LAST_REVIEWER: (BELOW, Role.SUPERVISOR),
}


def post(unit_id: int, role: Role, id: int = 1) -> PostFact:
    return PostFact(id, unit_id, role, Line.WOMEN, Level.COUNTY, 1, 9)


def somebody(*posts: PostFact, person_id: int = ME) -> Actor:
    return Actor(person_id, "somebody", posts)


def party(which: Party) -> Actor:
    return somebody(post(*STANDS_IN[which]))


def facts(state: State, **fields) -> Facts:
    reviewer = REVIEWING if state is State.SUBMITTED else None
    given = {"reviewer_unit_id": reviewer, "submitter_id": SUBMITTER, "reason": "材料不齐"}
    given |= {"units_above": (ABOVE,) if reviewer else (), "vacant_here": True, "deciding_units": (DECIDING,)}
    given |= {"decided_by_id": ME, "decided_in": BELOW, "untold": True} | fields
    return Facts(id=1, state=state, version=3, unit_id=UNIT, issuing_units=(ISSUING, CO_ISSUING), **given)


def may(actor: Actor, action: Action, given: Facts) -> bool:
    """Whether the law lets it happen: a row, the party's post, and no guard against it."""
    row = row_for(action, given, actor)
    if row is None or post_for(row.party, given, actor) is None:
        return False
    return not any(guard(given, actor) for guard in row.guards)


CELLS = list(product(State, Action, Party, (False, True)))


@pytest.mark.parametrize(("state", "action", "who", "levels_remain"), CELLS)
def test_every_cell_of_the_law(state, action, who, levels_remain):
    given = facts(state, levels_remain=levels_remain)
    expected = LAW.get((action, state))
    if expected is None or expected[0] is not who:
        assert not may(party(who), action, given)
        return
    if expected[2 if levels_remain else 1] is None:
        assert not may(party(who), action, given)
        return
    assert may(party(who), action, given)
    assert row_for(action, given, party(who)).target is expected[2 if levels_remain else 1]


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_nobody_else_may_anything(state, action):
    strangers = [
        somebody(),
        SYSTEM,
        *(somebody(post(ELSEWHERE, role)) for role in Role),
        *(somebody(post(UNIT, role)) for role in Role if role is not Role.OFFICER),
        *(somebody(post(REVIEWING, role)) for role in Role if role is not Role.SUPERVISOR),
        *(somebody(post(BELOW, role)) for role in Role if role is not Role.SUPERVISOR),
        somebody(post(BELOW, Role.SUPERVISOR), person_id=FORMER_REVIEWER),  # a colleague of who decided
        *(somebody(post(ISSUING, role)) for role in Role if role is not Role.DISPATCHER),
        *(somebody(post(DECIDING, role)) for role in Role if role not in (Role.DISPATCHER, Role.SUPERVISOR)),
        *(somebody(post(ABOVE, role)) for role in Role if role not in (Role.DISPATCHER, Role.SUPERVISOR)),
    ]
    assert not any(may(stranger, action, facts(state)) for stranger in strangers)


@pytest.mark.parametrize(("action", "state"), LAW)
def test_the_page_offers_what_the_law_allows(action, state):
    who = party(LAW[action, state][0])
    offered = {offer.action: offer.refusal for offer in offers(facts(state, reason="", levels_remain=True), who)}
    assert offered.get(action, "not offered") is None


def test_a_co_issuing_unit_may_what_the_issuing_unit_may():
    assert may(somebody(post(CO_ISSUING, Role.DISPATCHER)), Action.CANCEL, facts(State.ISSUED))


@pytest.mark.parametrize("action", [Action.APPROVE, Action.RETURN])
def test_nobody_reviews_what_they_submitted(action):
    own = somebody(post(REVIEWING, Role.SUPERVISOR), post(UNIT, Role.OFFICER, 2), person_id=SUBMITTER)
    given = facts(State.SUBMITTED)
    assert not may(own, action, given)
    refusal = {offer.action: offer.refusal for offer in offers(given, own)}[action]
    assert refusal is not None, "the button is shown, off, with the reason"


@pytest.mark.parametrize("action", [Action.APPROVE, Action.RETURN])
def test_nobody_decides_twice_on_one_version(action):
    again = somebody(post(REVIEWING, Role.SUPERVISOR), person_id=FORMER_REVIEWER)
    assert not may(again, action, facts(State.SUBMITTED, reviewers_so_far=(FORMER_REVIEWER,)))


def test_what_a_level_has_approved_cannot_be_withdrawn():
    given = facts(State.SUBMITTED, reviewers_so_far=(FORMER_REVIEWER,))
    assert not may(party(Party.REPORTER), Action.WITHDRAW, given)


@pytest.mark.parametrize("action", [row.action for row in TABLE if reason_given in row.guards])
@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_a_step_back_needs_words(action, reason):
    for (known, state), (who, *_rest) in LAW.items():
        if known is action:
            assert not may(party(who), action, facts(state, reason=reason, levels_remain=True))


def test_what_others_were_told_is_not_taken_back():
    who, undo = party(Party.LAST_REVIEWER), Action.UNDO
    assert not may(who, undo, facts(State.RETURNED, untold=False))
    assert undo not in {offer.action for offer in offers(facts(State.RETURNED, decided_by_id=None), who)}


def test_a_person_with_several_posts_acts_in_the_one_that_it_is_addressed_to():
    many = somebody(post(ELSEWHERE, Role.OFFICER, 1), post(UNIT, Role.SUPERVISOR, 2), post(UNIT, Role.OFFICER, 3))
    assert post_for(Party.REPORTER, facts(State.ISSUED), many).id == 3


def test_every_action_of_the_table_is_in_the_law_and_the_other_way_round():
    rows = {(row.action, source) for row in TABLE for source in row.sources}
    assert rows == set(LAW)


def test_the_two_approvals_never_hold_together():
    for levels_remain in (False, True):
        given = facts(State.SUBMITTED, levels_remain=levels_remain)
        rows = [row for row in TABLE if row.action is Action.APPROVE and row.when(given, party(Party.REVIEWER))]
        assert len(rows) == 1


def test_who_waits_for_a_decision_is_told_of_it():
    told = {(row.action, row.target): row.tells for row in TABLE}
    assert told[Action.SUBMIT, State.SUBMITTED] is Audience.REVIEWERS
    assert told[Action.APPROVE, State.SUBMITTED] is Audience.REVIEWERS
    assert told[Action.DISPUTE, State.DISPUTED] is Audience.DECIDERS
    assert told[Action.RETRACT, State.ISSUED] is Audience.DECIDERS
    for action, target in (
        (Action.APPROVE, State.APPROVED),
        (Action.RETURN, State.RETURNED),
        (Action.REOPEN, State.ACKNOWLEDGED),
        (Action.CANCEL, State.CANCELLED),
        (Action.SETTLE, State.ISSUED),
        (Action.EXEMPT, State.NOT_APPLICABLE),
    ):
        assert told[action, target] is Audience.REPORTERS


def test_numbers_of_states_and_actions_never_change():
    """They are stored: a new member takes a new number, an old one keeps its own."""
    assert {member.name: int(member) for member in State} == {
        "ISSUED": 1, "ACKNOWLEDGED": 2, "SUBMITTED": 3, "RETURNED": 4, "APPROVED": 5, "CANCELLED": 6,
        "DISPUTED": 7, "NOT_APPLICABLE": 8,
    }  # fmt: skip
    assert {member.name: int(member) for member in Action} == {
        "ACKNOWLEDGE": 1, "SUBMIT": 2, "WITHDRAW": 3, "APPROVE": 4, "RETURN": 5, "REOPEN": 6, "CANCEL": 7,
        "PASS_OVER": 8, "DISPUTE": 9, "SETTLE": 10, "RETRACT": 11, "EXEMPT": 12, "UNDO": 13,
    }  # fmt: skip
    assert {int(member) for member in ReturnReason} == {1, 2, 3, 4, 5, 6, 9}
