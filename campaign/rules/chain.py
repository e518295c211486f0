"""The chain of review: which units decide on a submission, in which order."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Above:
    """A unit above the reporting one: its level and the preorder number of its area."""

    id: int
    level: int
    lft: int


def review_chain(superiors: Sequence[Above], issuer: Above, issuer_rgt: int, levels: Sequence[int] = ()) -> list[int]:
    """The reviewing units from the nearest to the issuer.

    `superiors`: the units above the reporting one, nearest first. Those inside the issuer's area count, up to the
    issuer itself, which always ends the chain. With `levels` only units of these levels decide; if none is left, the
    issuer does.
    """
    between: list[Above] = []
    for unit in superiors:
        if unit.id == issuer.id or not issuer.lft <= unit.lft <= issuer_rgt:
            break
        between.append(unit)
    whole = [*between, issuer]
    chosen = [unit.id for unit in whole if not levels or unit.level in levels]
    return chosen or [issuer.id]
